//! The operator's switches. Nothing stored reads as observe: a store nobody has set up must not write to a tenant.

use async_trait::async_trait;
use domain::ports::{Controls, Mode, Stop, StoreError, Switches};
use rusqlite::Connection;

use crate::columns::{Query, corrupt, execute, rows};
use crate::store::Store;

impl Store {
    /// Stores the mode of a first start, unless a mode is stored already.
    pub fn initialize_mode(&self, mode: Mode) -> Result<(), StoreError> {
        self.write(|connection| {
            execute(
                connection,
                "INSERT INTO switches (name, position) VALUES ('mode', ?1) ON CONFLICT (name) DO NOTHING",
                [mode_word(mode)],
            )?;
            Ok(())
        })
    }

    /// Sets the mode alone, so that a `stop` given at the same time is not undone.
    pub fn set_mode(&self, mode: Mode) -> Result<(), StoreError> {
        self.write(|connection| set(connection, "mode", mode_word(mode)))
    }

    /// Sets what is stopped alone, so that a mode set at the same time, or not yet set, is left as it is.
    pub fn set_stop(&self, stop: Stop) -> Result<(), StoreError> {
        self.write(|connection| set(connection, "stop", stop_word(stop)))
    }

    /// Sets both switches at once.
    pub fn set_switches(&self, switches: Switches) -> Result<(), StoreError> {
        self.write(|connection| {
            set(connection, "mode", mode_word(switches.mode))?;
            set(connection, "stop", stop_word(switches.stop))
        })
    }
}

#[async_trait]
impl Controls for Store {
    async fn switches(&self) -> Result<Switches, StoreError> {
        self.read(|connection| {
            let stored = rows(connection, "SELECT name, position FROM switches", [], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            })?;
            let mut switches = Switches { mode: Mode::Observe, stop: Stop::Nothing };
            for (name, position) in stored {
                match name.as_str() {
                    "mode" => switches.mode = stored_mode(&position)?,
                    "stop" => switches.stop = stored_stop(&position)?,
                    // A switch this program does not know may be one that brakes.
                    _ => return Err(corrupt("switches", "a known switch")),
                }
            }
            Ok(switches)
        })
    }
}

fn set(connection: &Connection, name: &str, position: &str) -> Query<()> {
    execute(
        connection,
        "INSERT INTO switches (name, position) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET position = excluded.position",
        (name, position),
    )?;
    Ok(())
}

fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Observe => "observe",
        Mode::Enforce => "enforce",
    }
}

fn stored_mode(word: &str) -> Query<Mode> {
    [Mode::Observe, Mode::Enforce]
        .into_iter()
        .find(|mode| mode_word(*mode) == word)
        .ok_or_else(|| corrupt("switches", "a mode"))
}

fn stop_word(stop: Stop) -> &'static str {
    match stop {
        Stop::Nothing => "nothing",
        Stop::AllButCuts => "all-but-cuts",
        Stop::Everything => "everything",
    }
}

fn stored_stop(word: &str) -> Query<Stop> {
    [Stop::Nothing, Stop::AllButCuts, Stop::Everything]
        .into_iter()
        .find(|stop| stop_word(*stop) == word)
        .ok_or_else(|| corrupt("switches", "what is stopped"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Room;

    #[tokio::test]
    async fn a_store_nobody_has_set_up_observes() {
        let room = Room::new();
        assert_eq!(room.store.switches().await.unwrap(), Switches { mode: Mode::Observe, stop: Stop::Nothing });
    }

    #[tokio::test]
    async fn the_first_mode_is_kept_by_later_starts() {
        let room = Room::new();
        room.store.initialize_mode(Mode::Enforce).unwrap();
        room.store.initialize_mode(Mode::Observe).unwrap();
        assert_eq!(room.store.switches().await.unwrap().mode, Mode::Enforce);
        room.store.set_mode(Mode::Observe).unwrap();
        room.store.initialize_mode(Mode::Enforce).unwrap();
        assert_eq!(room.store.switches().await.unwrap().mode, Mode::Observe);
    }

    #[tokio::test]
    async fn a_stop_before_the_first_start_leaves_the_mode_to_it() {
        let room = Room::new();
        room.store.set_stop(Stop::Everything).unwrap();
        room.store.initialize_mode(Mode::Enforce).unwrap();
        assert_eq!(room.store.switches().await.unwrap(), Switches { mode: Mode::Enforce, stop: Stop::Everything });
    }

    #[tokio::test]
    async fn every_position_of_the_switches_is_remembered() {
        let room = Room::new();
        for mode in [Mode::Observe, Mode::Enforce] {
            for stop in [Stop::Nothing, Stop::AllButCuts, Stop::Everything] {
                let switches = Switches { mode, stop };
                room.store.set_switches(switches).unwrap();
                assert_eq!(room.second().switches().await.unwrap(), switches);
            }
        }
    }

    #[tokio::test]
    async fn a_switch_of_a_newer_program_is_not_overlooked() {
        let room = Room::new();
        room.store.write(|connection| set(connection, "pause", "until-monday")).unwrap();
        assert!(matches!(room.store.switches().await, Err(StoreError::Corrupt("switches", _))));
    }
}
