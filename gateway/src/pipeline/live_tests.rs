//! Everyone hears all of it; memory and patience have bounds.

use std::collections::BTreeMap;

use super::*;
use crate::audit::Outcome;
use crate::auth::DataClass;

fn completed() -> Ended {
    let facts = Facts {
        route: None,
        provider: None,
        model: None,
        zone: None,
        data_class: DataClass::Public,
        entities: BTreeMap::new(),
        answer_entities: BTreeMap::new(),
        pii_action: "none".to_owned(),
        streamed: false,
        is_named: true,
    };
    Ended { outcome: Outcome::Completed, status: 200, facts }
}

fn live(one_bytes: usize, room: &Arc<Room>) -> Arc<Live> {
    Live::new(RoomLimits { one_bytes, all_bytes: 1 << 20 }, Arc::clone(room))
}

fn piece(size: usize) -> Bytes {
    Bytes::from(vec![b'x'; size])
}

async fn rest(mut ear: Ear) -> usize {
    let mut bytes = 0;
    while let Some(heard) = ear.next().await {
        bytes += heard.chunk.len();
    }
    bytes
}

#[tokio::test]
async fn who_joins_late_hears_it_from_the_beginning() {
    let room = Room::new();
    let live = live(1_000, &room);
    let first = live.join().unwrap();
    live.say(piece(3), None).await;
    let second = live.join().unwrap();
    live.say(piece(4), Some(completed())).await;
    live.end(None);
    let third = live.join().unwrap();
    assert_eq!(first.ended().map(|ended| ended.outcome), Some(Outcome::Completed));
    for ear in [first, second, third] {
        assert_eq!(rest(ear).await, 7);
    }
    assert_eq!((live.whole().unwrap().len(), room.used.load(Ordering::Relaxed)), (2, 7));
    drop(live);
    assert_eq!(room.used.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn the_record_is_there_before_the_piece_that_needs_it() {
    let live = live(1_000, &Room::new());
    let mut ear = live.join().unwrap();
    live.say(piece(1), None).await;
    live.say(piece(1), Some(completed())).await;
    assert!(ear.next().await.unwrap().settled.is_none());
    assert_eq!(ear.next().await.unwrap().settled.map(|ended| ended.status), Some(200));
}

#[tokio::test]
async fn beyond_its_room_nobody_joins_and_the_slowest_sets_the_pace() {
    let room = Room::new();
    let live = live(10, &room);
    let mut ear = live.join().unwrap();
    live.say(piece(11), None).await;
    assert_eq!(live.join().err(), Some(NotJoined::Cut));
    assert!(live.whole().is_none());
    assert_eq!(room.used.load(Ordering::Relaxed), 0);
    let speaking = tokio::spawn({
        let live = Arc::clone(&live);
        async move {
            live.say(piece(WINDOW_BYTES), None).await;
            live.say(piece(1), None).await;
            live.end(None);
        }
    });
    for expected in [11, WINDOW_BYTES, 1] {
        assert_eq!(ear.next().await.unwrap().chunk.len(), expected);
    }
    assert!(ear.next().await.is_none());
    speaking.await.unwrap();
    drop(ear);
    drop(live);
    assert_eq!(room.used.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn when_nobody_listens_it_is_over_and_cannot_be_joined() {
    let live = live(1_000, &Room::new());
    let (first, second) = (live.join().unwrap(), live.join().unwrap());
    drop(first);
    assert!(!live.lock().is_abandoned);
    drop(second);
    live.abandoned().await;
    assert_eq!(live.join().err(), Some(NotJoined::Gone));
}

#[tokio::test]
async fn once_its_record_is_made_it_goes_on_to_its_end() {
    let live = live(1_000, &Room::new());
    let ear = live.join().unwrap();
    live.say(piece(5), Some(completed())).await;
    drop(ear);
    assert!(live.lock().is_abandoned && !live.lock().is_over());
    assert!(live.join().is_ok() && live.whole().is_some());
}

#[tokio::test]
async fn all_of_them_share_the_room() {
    let room = Room::new();
    let limits = RoomLimits { one_bytes: 100, all_bytes: 150 };
    let lives = [(); 2].map(|()| Live::new(limits, Arc::clone(&room)));
    let _ears: Vec<_> = lives.iter().map(|live| live.join().unwrap()).collect();
    for live in &lives {
        live.say(piece(100), None).await;
    }
    assert!(lives[0].join().is_ok());
    assert_eq!(lives[1].join().err(), Some(NotJoined::Cut));
}
