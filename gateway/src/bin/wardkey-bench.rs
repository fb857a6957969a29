//! Measures the gateway and prints rows `[{figure, value, unit, target, met}]` as JSON on standard output.

use clap::{Parser, Subcommand};
use std::time::Duration;
use wardkey_gateway::bench::country::country;
use wardkey_gateway::bench::{Figures, Row, SHAPES, Shape, reads};

/// Percent of the unverified reads.
const TARGET: f64 = 40.0;

/// Measures the gateway.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
    /// Seconds for each measurement.
    #[arg(long, global = true, default_value_t = 4)]
    seconds: u64,
}

/// What to measure.
#[derive(Clone, Copy, Subcommand)]
enum What {
    /// Verified against unverified reads, three kinds.
    Reads,
    /// A gateway for a country: each figure beside what it is held against.
    Country,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let folder = std::env::temp_dir().join(format!("wardkey-bench-{}", std::process::id()));
    let measured = match arguments.what {
        What::Reads => all_reads(&folder, arguments.seconds).await,
        What::Country => {
            std::fs::create_dir_all(&folder)?;
            country(&folder, Duration::from_secs(arguments.seconds)).await
        }
    };
    std::fs::remove_dir_all(&folder)?;
    println!("{}", serde_json::to_string(&measured?)?);
    Ok(())
}

async fn all_reads(folder: &std::path::Path, seconds: u64) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for shape in SHAPES {
        let place = folder
            .join(shape.sections.to_string())
            .join(shape.resources.to_string());
        rows.extend(rows_of(shape, reads(&place, shape, seconds).await?));
    }
    Ok(rows)
}

fn rows_of(shape: Shape, figures: Figures) -> [Row; 3] {
    let (
        name,
        Figures {
            verified_per_s,
            unverified_per_s,
        },
    ) = (shape.name, figures);
    let ratio = 100.0 * verified_per_s / unverified_per_s;
    [
        Row::plain(format!("permission-verified reads, {name}"), verified_per_s, "1/s"),
        Row::plain(format!("unverified reads, {name}"), unverified_per_s, "1/s"),
        Row::at_least(format!("verified against unverified reads, {name}"), ratio, "%", TARGET),
    ]
}
