use std::future::Ready;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures_util::future::join_all;
use proptest::prelude::*;

use super::*;

/// Time that passes when the test says so.
#[derive(Default)]
struct Bell(Notify);

#[async_trait]
impl Sleep for Bell {
    async fn sleep(&self, _: Duration) {
        self.0.notified().await;
    }
}

/// Time that has always passed already.
struct Over;

#[async_trait]
impl Sleep for Over {
    async fn sleep(&self, _: Duration) {}
}

type Room = Gathering<u32, u32>;

/// What went out together, in order; everything is answered by its tenfold.
#[derive(Default)]
struct Sent(Mutex<Vec<Vec<u32>>>);

impl Sent {
    fn answer(&self, asked: Vec<Asked<u32, u32>>) -> Ready<()> {
        let (what, answers): (Vec<_>, Vec<_>) = asked.into_iter().map(Asked::split).unzip();
        self.0.lock().unwrap().push(what.clone());
        what.into_iter().zip(answers).for_each(|(what, answer)| answer.tell(what * 10));
        std::future::ready(())
    }

    fn all(&self) -> Vec<Vec<u32>> {
        self.0.lock().unwrap().clone()
    }
}

fn room() -> (Room, Arc<Bell>) {
    let bell = Arc::new(Bell::default());
    (Gathering::new(bell.clone()), bell)
}

#[tokio::test]
async fn what_everybody_asks_goes_out_together_and_each_hears_its_own_answers() {
    let (room, _) = room();
    let sent = Sent::default();
    let workers = [vec![1], vec![2, 3], vec![4]].map(|asks| {
        let seat = room.seat();
        async move { seat.ask(asks).await }
    });
    let heard = room.serve(join_all(workers), |asked| sent.answer(asked)).await;
    assert_eq!(heard, [vec![Some(10)], vec![Some(20), Some(30)], vec![Some(40)]]);
    assert_eq!(sent.all(), [vec![1, 2, 3, 4]]);
}

#[tokio::test]
async fn whoever_has_nothing_to_ask_is_not_waited_for() {
    let (room, _) = room();
    let sent = Sent::default();
    let (asking, idle) = (room.seat(), room.seat());
    let work = async {
        let other = async {
            tokio::task::yield_now().await;
            drop(idle);
        };
        tokio::join!(asking.ask(vec![1]), other).0
    };
    assert_eq!(room.serve(work, |asked| sent.answer(asked)).await, [Some(10)]);
}

#[tokio::test]
async fn a_slow_worker_delays_nobody_for_longer_than_the_linger() {
    let (room, bell) = room();
    let (sent, others_heard) = (Sent::default(), Notify::new());
    let (quick, slow) = (room.seat(), room.seat());
    let work = async {
        let quick = async {
            let heard = quick.ask(vec![1]).await;
            // Through: nobody waits for them either.
            drop(quick);
            others_heard.notify_one();
            heard
        };
        let slow = async {
            bell.0.notify_one();
            others_heard.notified().await;
            slow.ask(vec![2]).await
        };
        tokio::join!(quick, slow)
    };
    let heard = room.serve(work, |asked| sent.answer(asked)).await;
    assert_eq!(heard, (vec![Some(10)], vec![Some(20)]));
    assert_eq!(sent.all(), [vec![1], vec![2]]);
}

#[tokio::test]
async fn a_call_under_way_delays_nobody() {
    let (room, bell) = room();
    let (sent, second_is_heard, calls) = (Sent::default(), Notify::new(), AtomicUsize::new(0));
    let (first, second) = (room.seat(), room.seat());
    let work = async {
        let second = async {
            bell.0.notify_one();
            while calls.load(Ordering::Relaxed) == 0 {
                tokio::task::yield_now().await;
            }
            let heard = second.ask(vec![2]).await;
            second_is_heard.notify_one();
            heard
        };
        tokio::join!(first.ask(vec![1]), second)
    };
    let send = async |asked| {
        if calls.fetch_add(1, Ordering::Relaxed) == 0 {
            second_is_heard.notified().await;
        }
        sent.answer(asked).await;
    };
    assert_eq!(room.serve(work, send).await, (vec![Some(10)], vec![Some(20)]));
}

#[tokio::test]
async fn whoever_stopped_waiting_is_left_out_and_waited_for_no_more() {
    let (room, _) = room();
    let sent = Sent::default();
    let (gone, there) = (room.seat(), room.seat());
    let work = async {
        {
            let mut asking = pin!(gone.ask(vec![1]));
            assert!(futures_util::poll!(&mut asking).is_pending());
        }
        drop(gone);
        there.ask(vec![2]).await
    };
    assert_eq!(room.serve(work, |asked| sent.answer(asked)).await, [Some(20)]);
    assert_eq!(sent.all(), [vec![2]]);
}

#[tokio::test]
async fn whoever_is_never_answered_learns_so() {
    let (room, _) = room();
    let seat = room.seat();
    let heard = room.serve(seat.ask(vec![1]), |asked| async { drop(asked) }).await;
    assert_eq!(heard, [None]);
}

proptest! {
    /// The law: whoever comes when, everything asked goes out once, and each hears the answers to what it asked.
    #[test]
    fn everything_goes_out_once_and_comes_back_to_its_asker(
        workers in prop::collection::vec(prop::collection::vec((0_usize..4, 0_usize..4), 0..4), 1..8),
        impatient: bool,
        slow in 0_usize..4,
    ) {
        let linger: Arc<dyn Sleep> = if impatient { Arc::new(Over) } else { Arc::new(Bell::default()) };
        let (room, sent, next) = (Room::new(linger), Sent::default(), AtomicUsize::new(0));
        let work = workers.iter().map(|rounds| {
            let (seat, next) = (room.seat(), &next);
            async move {
                for (pauses, count) in rounds {
                    for _ in 0..*pauses {
                        tokio::task::yield_now().await;
                    }
                    let first = u32::try_from(next.fetch_add(*count, Ordering::Relaxed)).unwrap();
                    let asks: Vec<u32> = (first..).take(*count).collect();
                    let expected: Vec<_> = asks.iter().map(|ask| Some(ask * 10)).collect();
                    assert_eq!(seat.ask(asks).await, expected);
                }
            }
        });
        let send = async |asked| {
            for _ in 0..slow {
                tokio::task::yield_now().await;
            }
            sent.answer(asked).await;
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(room.serve(join_all(work), send));
        let mut all = sent.all().concat();
        all.sort_unstable();
        let asked: Vec<u32> = (0..).take(next.into_inner()).collect();
        prop_assert_eq!(all, asked);
    }
}
