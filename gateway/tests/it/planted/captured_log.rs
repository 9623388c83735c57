//! Everything that the gateway writes to its log, down to the finest level, for all tests of this process.

use std::io::Write;
use std::sync::{Mutex, Once};

use tracing_subscriber::EnvFilter;

static WRITTEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static STARTED: Once = Once::new();

struct Sink;

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        WRITTEN.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub fn start() {
    STARTED.call_once(|| {
        let subscriber =
            tracing_subscriber::fmt().with_env_filter(EnvFilter::new("shekara_gateway=trace")).with_writer(|| Sink);
        subscriber.with_ansi(false).try_init().unwrap();
    });
}

pub fn text() -> String {
    String::from_utf8_lossy(&WRITTEN.lock().unwrap()).into_owned()
}
