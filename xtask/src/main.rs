//! `cargo xtask …`: see `cargo xtask --help`.

use anyhow::Result;
use clap::{Parser, Subcommand};
use xtask::{check, demo, setup, test};

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
    Test,
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
        Chore::Test => test::test(),
        Chore::Setup => setup::everything(),
        Chore::Types => check::types(),
        Chore::Deny => check::deny(),
    }
}
