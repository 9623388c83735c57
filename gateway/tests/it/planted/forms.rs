//! The same of forms: no word of a field, a file, its name or its type is found again.

use super::canaries::{Canaries, finds, found_in_folder};
use super::{captured_log, told};
use crate::gateway::{TestGateway, border};
use crate::pictures;
use crate::upstream::{Reply, Upstream};

const REQUESTS: usize = 40;

#[tokio::test]
async fn what_is_planted_in_a_form_is_found_nowhere() {
    captured_log::start();
    let outside = Upstream::start(Reply::Text("fine")).await;
    let inside = Upstream::start(Reply::Text("from inside")).await;
    let rest = "unreadable = \"allow\"";
    let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, rest)).await;
    let mut canaries = Canaries::new(17);
    let (mut all, mut crossed) = (Vec::new(), 0);
    for number in 0..REQUESTS {
        let values: Vec<String> = (0..8).map(|place| canaries.next(number * 8 + place)).collect();
        let quoting = format!("{{\"error\":{{\"message\":\"no {}\",\"param\":\"{}\"}}}}", values.join(" "), values[2]);
        let status = [400, 401, 422, 429, 500][number % 5];
        for upstream in [&outside, &inside] {
            let quoting: &'static str = Box::leak(quoting.clone().into_boxed_str());
            upstream.set(Reply::Status(status, quoting));
        }
        let model = if number % 7 == 6 { values[0].as_str() } else { "chat" };
        let fields = [("model", model), ("prompt", &values[1]), (&values[2], &values[3]), ("user", &values[4])];
        let (kind, bytes) = (format!("image/gif; x={}", values[6]), format!("GIF89a {}", values[7]));
        let mut file = ("image", values[5].as_str(), kind.as_str(), bytes.as_bytes());
        if number % 9 == 8 {
            // A mistake whose error would be tempted to name the file.
            file.0 = &values[0];
        }
        let answer = pictures::send(&gateway, pictures::EDITS, &fields, &[file]).await;
        assert!(answer.status >= 400, "{}", answer.status);
        let is_named = number % 9 == 8;
        // The name of a field that is refused is said to whoever wrote it.
        if !is_named {
            assert_eq!(finds(&told(&answer), &values), None, "request {number}: {}", answer.status);
        }
        crossed += outside.take_received().len();
        inside.take_received();
        all.extend(values);
    }
    assert!(crossed > 5, "only {crossed} were sent");
    let records = format!("{:?}", gateway.audit().await);
    for (place, text) in [("audit", records), ("log", captured_log::text())] {
        assert_eq!(finds(&text, &all), None, "{place}");
    }
    assert_eq!(found_in_folder(gateway.data_folder(), &all), None);
}
