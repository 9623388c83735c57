//! The load driver against the mock, and against servers that fail.

#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use shekara_benches::load::{Pace, Question, Slice, Spacing, Tally, Target, run};
use shekara_benches::mock::{Wanted, listen, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const PLAIN: Wanted = Wanted { is_stream: false, chunks: 0, interval: Duration::ZERO, delay: Duration::ZERO };
const MEASURED: Duration = Duration::from_millis(300);

fn target(address: SocketAddr, wanted: Wanted) -> Rc<Target> {
    let (model, key, headers) = ("mock".to_owned(), Some("secret".to_owned()), Vec::new());
    let question = Question { model, key, headers, prompt_bytes: 1024, max_tokens: 8, wanted };
    Rc::new(Target::new(&format!("http://{address}"), &question, 1).unwrap())
}

/// Load on a mock of its own.
async fn on_mock(wanted: Wanted, pace: Pace, connections: usize) -> Tally {
    let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(serve(listener, PLAIN));
    let slice = Slice { pace, connections, warm_up: Duration::from_millis(20), measured: MEASURED };
    let tally = run(&target(address, wanted), &slice).await.unwrap();
    server.abort();
    tally
}

#[tokio::test]
async fn a_closed_loop_asks_again_when_it_is_answered() {
    let tally = on_mock(PLAIN, Pace::Closed, 4).await;
    assert!(tally.answered > 50 && tally.errors.is_empty(), "{tally:?}");
    assert_eq!((tally.total.count(), tally.first.count(), tally.late.count()), (tally.answered, tally.answered, 0));
    assert!(tally.served >= tally.answered);
}

#[tokio::test]
async fn a_schedule_is_kept_and_all_of_it_is_answered() {
    let pace = Pace::Open { rate: 500.0, spacing: Spacing::Fixed, seed: 1 };
    let tally = on_mock(PLAIN, pace, 8).await;
    assert!((149..=151).contains(&tally.answered) && tally.errors.is_empty(), "{tally:?}");
    assert_eq!(tally.late.count(), tally.answered);
}

#[tokio::test]
async fn a_slow_server_cannot_make_the_schedule_wait_for_it() {
    let delay = Duration::from_millis(20);
    let pace = Pace::Open { rate: 200.0, spacing: Spacing::Fixed, seed: 1 };
    // Five milliseconds apart, twenty each, one at a time: the last of 60 waits for all before it.
    let tally = on_mock(Wanted { delay, ..PLAIN }, pace, 1).await;
    assert!((59..=61).contains(&tally.answered), "{tally:?}");
    assert!(tally.total.max_us().unwrap() > 850e3, "{:?}", tally.total.max_us());
    assert!(tally.total.quantile_us(0.5).unwrap() > 400e3);
}

#[tokio::test]
async fn chunks_of_streams_are_timed_one_by_one() {
    let interval = Duration::from_millis(5);
    let tally = on_mock(Wanted { is_stream: true, chunks: 6, interval, ..PLAIN }, Pace::Closed, 3).await;
    assert!(tally.errors.is_empty() && tally.answered > 10, "{tally:?}");
    assert_eq!(tally.transit.count(), tally.chunks);
    assert!(tally.chunks >= 6 * (tally.answered - 3) && tally.between.count() < tally.chunks, "{tally:?}");
    // Sent before they came, and lately.
    assert!(tally.transit.quantile_us(0.5).unwrap() < 5e3);
    let between = tally.between.quantile_us(0.5).unwrap();
    assert!((3e3..8e3).contains(&between), "{between}");
}

/// Answers every request with these bytes and closes.
async fn always(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = vec![0; 1 << 16];
                if stream.read(&mut buffer).await.is_ok_and(|count| count > 0) {
                    let _ = stream.write_all(answer).await;
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn what_is_no_whole_answer_is_counted_by_its_kind() {
    let stream = Wanted { is_stream: true, chunks: 3, ..PLAIN };
    let cases: [(&[u8], Wanted, &str); 5] = [
        (b"HTTP/1.1 503 No\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno", PLAIN, "status 503"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe", PLAIN, "closed early"),
        (b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", PLAIN, "empty answer"),
        (b"220 ready\r\n\r\n", PLAIN, "malformed response"),
        (b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\ndata: t=1\n\ndata: [DONE]\n\n", stream, "chunks missing"),
    ];
    for (answer, wanted, kind) in cases {
        let slice = Slice { pace: Pace::Closed, connections: 1, warm_up: Duration::ZERO, measured: MEASURED / 10 };
        let tally = run(&target(always(answer).await, wanted), &slice).await.unwrap();
        assert_eq!(tally.answered, 0, "{kind}");
        assert!(tally.errors.get(kind).is_some_and(|count| *count > 0), "{kind}: {:?}", tally.errors);
    }
}

#[tokio::test]
async fn nobody_there_is_an_error_at_once() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let slice = Slice { pace: Pace::Closed, connections: 1, warm_up: Duration::ZERO, measured: MEASURED };
    assert!(run(&target(closed, PLAIN), &slice).await.is_err());
}
