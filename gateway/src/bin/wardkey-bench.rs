//! Measures the gateway and prints rows `[{figure, value, unit, target, met}]` as JSON on standard output.

use clap::Parser;
use serde_json::{Value, json};
use wardkey_gateway::bench::{Figures, SHAPES, Shape, reads};

/// Percent of the unverified reads, from issue 2.
const TARGET: f64 = 40.0;

/// Measures the gateway.
#[derive(Parser)]
struct Arguments {
    /// Seconds for each measurement; there are two for each of three kinds of reads.
    #[arg(long, default_value_t = 4)]
    seconds: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut rows = Vec::new();
    for shape in SHAPES {
        let folder = std::env::temp_dir().join(format!("wardkey-bench-{}", std::process::id()));
        let measured = reads(&folder, shape, arguments.seconds).await;
        std::fs::remove_dir_all(&folder)?;
        rows.extend(rows_of(shape, measured?));
    }
    println!("{}", Value::Array(rows));
    Ok(())
}

fn rows_of(shape: Shape, figures: Figures) -> [Value; 3] {
    let name = shape.name;
    let ratio = 100.0 * figures.verified_per_s / figures.unverified_per_s;
    let row = |figure: String, value: f64, unit: &str| json!({ "figure": figure, "value": (value * 10.0).round() / 10.0, "unit": unit, "target": null, "met": null });
    let mut against = row(format!("verified against unverified reads, {name}"), ratio, "%");
    against["target"] = json!(TARGET);
    against["met"] = json!(ratio >= TARGET);
    [
        row(
            format!("permission-verified reads, {name}"),
            figures.verified_per_s,
            "1/s",
        ),
        row(format!("unverified reads, {name}"), figures.unverified_per_s, "1/s"),
        against,
    ]
}
