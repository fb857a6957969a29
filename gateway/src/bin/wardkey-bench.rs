//! Measures the gateway and prints rows `[{figure, value, unit, target, met}]` as JSON on standard output.

use clap::Parser;
use serde_json::json;
use wardkey_gateway::bench::reads;

/// Measures the gateway.
#[derive(Parser)]
struct Arguments {
    /// Seconds for each measurement.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let folder = std::env::temp_dir().join(format!("wardkey-bench-{}", std::process::id()));
    let measured = reads(&folder, arguments.seconds).await;
    std::fs::remove_dir_all(&folder)?;
    let figures = measured?;
    let ratio = 100.0 * figures.verified_per_s / figures.unverified_per_s;
    let rows = json!([
        { "figure": "permission-verified reads", "value": figures.verified_per_s.round(), "unit": "1/s", "target": null, "met": null },
        { "figure": "unverified reads", "value": figures.unverified_per_s.round(), "unit": "1/s", "target": null, "met": null },
        { "figure": "permission-verified against unverified reads", "value": (ratio * 10.0).round() / 10.0, "unit": "%", "target": 40, "met": ratio >= 40.0 },
    ]);
    println!("{rows}");
    Ok(())
}
