//! `cargo xtask …`: see `cargo xtask --help`.

use anyhow::Result;
use clap::{Parser, Subcommand};
use xtask::reliability::Run;
#[cfg(target_os = "linux")]
use xtask::{bench, lab};
use xtask::{check, demo, reliability, screenshots, setup, simulate, test};

/// The project's chores.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Run the product: a server with simulated cameras, and the desktop program signed in to it.
    Demo(demo::Options),
    /// Run every check that needs neither WebKit nor a screen.
    Check,
    /// Run everything, on a virtual desktop: what continuous integration runs.
    Test {
        /// Only those tests of the real program in its window whose names hold this.
        #[arg(long, value_name = "WORDS")]
        only: Option<String>,
        /// Also the faults that take many minutes; writes docs/reliability.md.
        #[arg(long, conflicts_with = "only")]
        long: bool,
    },
    /// Run the client in a simulated world, where every fault is drawn from a seed; see docs/simulation.md.
    #[command(disable_help_flag = true)]
    Simulate {
        /// `--seed N`, or `--seeds N --from S`; `--server ours|original`; `--trace`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Write docs/reliability.md from what the tests of faults last told.
    Reliability,
    /// Photograph every view of the real program for the documents.
    Screenshots,
    /// Measure what the program costs beside what others cost; see docs/performance.md.
    #[cfg(target_os = "linux")]
    Bench(bench::Options),
    /// Try the real program on the desktops that people have; see docs/desktops.md.
    #[cfg(target_os = "linux")]
    Lab(lab::Options),
    /// Install what is missing on a Debian-like system.
    Setup,
    /// Write the page's types anew from the Rust ones.
    Types,
    /// Check the dependencies' licences and advisories.
    Deny,
}

fn main() -> Result<()> {
    match Arguments::parse().chore {
        Chore::Demo(options) => demo::demo(&options),
        Chore::Check => check::check(),
        Chore::Test { only: Some(words), long: _ } => test::only(&words),
        Chore::Test { only: None, long: false } => test::test(Run::Short),
        Chore::Test { only: None, long: true } => test::test(Run::Long),
        Chore::Simulate { arguments } => simulate::simulate(&arguments),
        Chore::Reliability => reliability::report(Run::Long),
        Chore::Screenshots => screenshots::screenshots(),
        #[cfg(target_os = "linux")]
        Chore::Bench(options) => bench::bench(&options),
        #[cfg(target_os = "linux")]
        Chore::Lab(options) => lab::lab(&options),
        Chore::Setup => setup::everything(),
        Chore::Types => check::types(),
        Chore::Deny => check::deny(),
    }
}
