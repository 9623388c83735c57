//! The engine's two hot kernels on one thread, in the shapes of Qwen3-0.6B.
//!
//!     cargo bench --locked -p shekara-benches --bench kernels

#![allow(clippy::unwrap_used, reason = "a bench that cannot be set up has nothing to measure")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rayon::{ThreadPool, ThreadPoolBuilder};
use shekara_benches::Numbers;
use shekara_inference::kernels::cpu::{
    AttentionShape, BlockFormat, KvDtype, KvLayer, KvShape, Level, PackedMatrix, QueryRows, SequenceSpan, WeightDtype,
    linear, paged_attention, quantize_row,
};

const INPUTS: usize = 1024;
/// Larger than the nearer caches, as a model is.
const OUTPUTS: usize = 16 * 1024;
const HEADS: usize = 16;
const KV: KvShape = KvShape { num_kv_heads: 8, head_dim: 128, block_size: 16 };

fn one_thread() -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(1).build().unwrap()
}

fn values(count: usize) -> Vec<f32> {
    let mut numbers = Numbers(1);
    (0..count).map(|_| numbers.below(2001) as f32 / 1e4 - 0.1).collect()
}

fn matrix(dtype: WeightDtype) -> PackedMatrix {
    let mut bytes = Vec::new();
    for row in values(INPUTS * OUTPUTS).chunks_exact(INPUTS) {
        match dtype {
            WeightDtype::Blocks(format) => quantize_row(format, row, &mut bytes),
            _ => bytes.extend(row.iter().flat_map(|value| half::bf16::from_f32(*value).to_le_bytes())),
        }
    }
    PackedMatrix::pack(&bytes, dtype, OUTPUTS, INPUTS)
}

fn linear_layers(criterion: &mut Criterion) {
    let pool = one_thread();
    let mut group = criterion.benchmark_group("linear");
    group.sample_size(20);
    for dtype in [WeightDtype::Bf16, WeightDtype::Blocks(BlockFormat::Q8_0), WeightDtype::Blocks(BlockFormat::Q4K)] {
        let matrix = matrix(dtype);
        for rows in [1, 8, 128] {
            let (input, mut scratch, mut output) = (values(rows * INPUTS), Vec::new(), vec![0.0; rows * OUTPUTS]);
            group.throughput(Throughput::Elements((rows * INPUTS * OUTPUTS) as u64));
            group.bench_function(BenchmarkId::new(dtype.name(), rows), |bencher| {
                bencher.iter(|| {
                    let matrices = std::slice::from_ref(&matrix);
                    pool.install(|| linear(Level::best(), matrices, None, (&input, &mut scratch), &mut output));
                });
            });
        }
    }
    group.finish();
}

fn attention(criterion: &mut Criterion) {
    let pool = one_thread();
    let shape = AttentionShape { num_heads: HEADS, kv: KV, scale: 0.088, window: None, softcap: None, sinks: None };
    let width = (HEADS + 2 * KV.num_kv_heads) * KV.head_dim;
    let mut group = criterion.benchmark_group("attention");
    group.sample_size(20);
    for context in [512, 2048, 8192] {
        let rows = values(context * width);
        let slots: Vec<usize> = (0..context).collect();
        let block_table: Vec<u32> = (0..context.div_ceil(KV.block_size) as u32).collect();
        let mut layer = KvLayer::new(KV, KvDtype::F16, block_table.len());
        layer.store(&rows, width, HEADS * KV.head_dim, &slots);
        for count in [1, 128] {
            let first_position = context - count;
            let span = SequenceSpan { first_row: 0, num_rows: count, first_position, block_table: &block_table };
            let mut output = vec![0.0; count * HEADS * KV.head_dim];
            group.throughput(Throughput::Elements((count * context) as u64));
            group.bench_function(BenchmarkId::new(format!("{count} rows"), context), |bencher| {
                bencher.iter(|| {
                    let queries = QueryRows { values: &rows[first_position * width..], width };
                    pool.install(|| paged_attention(Level::best(), shape, &layer, (queries, &[span]), &mut output));
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, linear_layers, attention);
criterion_main!(benches);
