//! Lines for seats: a row for each product, stored on the version before it.

use async_trait::async_trait;
use domain::ids::SkuId;
use domain::ports::{Lines, StoreError};
use domain::seats::Line;
use jiff::Timestamp;

use crate::columns::{column, corrupt, decode, encode, execute, instant, micros, not_before};
use crate::store::Store;

#[async_trait]
impl Lines for Store {
    async fn line(&self, sku: &SkuId) -> Result<Line, StoreError> {
        self.read(|connection| {
            let stored = column::<String>(connection, "SELECT line FROM lines WHERE sku = ?1", [sku.as_str()])?;
            stored.first().map_or_else(|| Ok(Line::new(sku.clone())), |line| decode("lines", line))
        })
    }

    async fn store(&self, line: Line) -> Result<(), StoreError> {
        let version = i64::try_from(line.version).map_err(|_| StoreError::Conflict)?;
        let sql = if version == 1 {
            "INSERT INTO lines (sku, version, line, look_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (sku) DO NOTHING"
        } else {
            "UPDATE lines SET version = ?2, line = ?3, look_at = ?4 WHERE sku = ?1 AND version = ?2 - 1"
        };
        self.write(|connection| {
            let params = (line.sku.as_str(), version, encode(&line)?, line.look_at.map(not_before));
            if execute(connection, sql, params)? == 1 { Ok(()) } else { Err(StoreError::Conflict.into()) }
        })
    }

    async fn take_looks(&self, now: Timestamp, retry_at: Timestamp) -> Result<Vec<SkuId>, StoreError> {
        self.write(|connection| {
            let due =
                column::<String>(connection, "SELECT sku FROM lines WHERE look_at <= ?1 ORDER BY sku", [micros(now)])?;
            execute(
                connection,
                "UPDATE lines SET look_at = ?2 WHERE look_at <= ?1",
                (micros(now), not_before(retry_at)),
            )?;
            due.iter().map(|sku| sku.parse().map_err(|_| corrupt("lines", "a product's id"))).collect()
        })
    }

    async fn next_look(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT min(look_at) FROM lines WHERE look_at IS NOT NULL";
            let earliest = column::<Option<i64>>(connection, sql, [])?.first().copied().flatten();
            earliest.map(|micros| instant("lines", micros)).transpose()
        })
    }
}

#[cfg(test)]
mod tests {
    use domain::seats::{Answer, Rank, Supply, amend, claim};
    use jiff::SignedDuration;
    use jiff::civil::Date;

    use super::*;
    use crate::contract::at;
    use crate::testing::Room;

    #[test]
    fn m13_workers_who_ask_at_once_share_out_the_seats_there_are() {
        let room = Room::new();
        let sku: SkuId = "11111111-0000-4000-8000-000000000001".parse().unwrap();
        let supply = Supply { free: 3, read_at: at(0) };
        let ask = |number: i32| {
            let person = format!("bamboo:{number}").parse().unwrap();
            let rank = Rank { priority: 1, start: Date::MIN, since: at(0) };
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let asked = amend(&room.store, &sku, |line| line.ask(&person, rank, supply, at(0), SignedDuration::ZERO));
            runtime.block_on(asked).unwrap()
        };
        let served = std::thread::scope(|scope| {
            let asking: Vec<_> = (0..8).map(|number| scope.spawn(move || ask(number))).collect();
            asking.into_iter().map(|asking| asking.join().unwrap()).filter(|answer| *answer == Answer::Served).count()
        });
        assert_eq!(served, 3);
    }

    #[tokio::test]
    async fn m13_whoever_needs_several_products_waits_for_the_missing_one_and_holds_none_meanwhile() {
        let room = Room::new();
        let [there, missing] =
            [1, 2].map(|n| format!("11111111-0000-4000-8000-00000000000{n}").parse::<SkuId>().unwrap());
        let person = "bamboo:1".parse().unwrap();
        let rank = Rank { priority: 1, start: Date::MIN, since: at(0) };
        let needs = |free| {
            [(there.clone(), 1), (missing.clone(), free)]
                .map(|(sku, free)| (sku, rank, Supply { free, read_at: at(0) }))
        };
        let promised = async |sku: &SkuId| room.store.line(sku).await.unwrap().is_promised(&person);
        assert_eq!(claim(&room.store, &person, &needs(0), at(0), at(60)).await.unwrap(), Some(missing.clone()));
        assert!(!promised(&there).await && !promised(&missing).await);
        assert_eq!(room.store.line(&missing).await.unwrap().place(&person), Some(1));
        assert_eq!(claim(&room.store, &person, &needs(1), at(0), at(60)).await.unwrap(), None);
        assert!(promised(&there).await && promised(&missing).await);
    }
}
