//! An instant OpenAI-shaped upstream, for measuring what stands before it.
//!
//!     mock_upstream --listen 127.0.0.1:9099 [--chunks 50] [--interval-ms 20] [--delay-ms 0] [--threads 1]

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;
use shekara_benches::mock::{Wanted, listen, serve};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Args {
    #[arg(long, default_value = "127.0.0.1:9099")]
    listen: SocketAddr,
    /// Chunks of a streamed answer, where the request does not say
    #[arg(long, default_value_t = 50)]
    chunks: u32,
    /// Between two chunks, where the request does not say
    #[arg(long, default_value_t = 20.0)]
    interval_ms: f64,
    /// Before any answer, where the request does not say
    #[arg(long, default_value_t = 0.0)]
    delay_ms: f64,
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let mut runtime = match args.threads {
        0 | 1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let unless_asked = Wanted {
        is_stream: false,
        chunks: args.chunks,
        interval: Duration::try_from_secs_f64(args.interval_ms / 1e3)?,
        delay: Duration::try_from_secs_f64(args.delay_ms / 1e3)?,
    };
    runtime.worker_threads(args.threads.max(1)).enable_all().build()?.block_on(async {
        let listener = listen(args.listen)?;
        writeln!(std::io::stdout().lock(), "listens on http://{}/v1", listener.local_addr()?)?;
        tokio::select! {
            () = serve(listener, unless_asked) => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        Ok(())
    })
}
