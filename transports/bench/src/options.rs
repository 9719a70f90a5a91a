use clap::Parser;

/// What is measured, how often, and how it is shown.
#[derive(Debug, Clone, Parser)]
#[command(about = "Conduit, beside what lies under it")]
pub struct Options {
    /// Only the cases whose name contains this
    pub filter: Option<String>,

    /// Rounds of each case, of which the median counts
    #[arg(long, default_value_t = 15)]
    pub rounds: usize,

    /// One JSON object a line, and no table
    #[arg(long)]
    pub json: bool,

    /// One small round of each case, to see that everything runs
    #[arg(long)]
    pub quick: bool,

    /// Exit with 1 if a ratio is not what it has to be
    #[arg(long)]
    pub check: bool,

    /// Draw how costs grow into this SVG file
    #[arg(long, value_name = "FILE")]
    pub plot: Option<std::path::PathBuf>,

    /// Cargo adds this
    #[arg(long, hide = true)]
    pub bench: bool,
}

impl Options {
    /// What the command line says.
    #[must_use]
    pub fn from_args() -> Self {
        let mut options = Self::parse();
        if options.quick {
            options.rounds = 1;
        }
        options
    }

    /// How much one round does: all, or in a quick run a hundredth of it.
    #[must_use]
    pub fn amount(&self, of: u64) -> u64 {
        if self.quick { of.div_ceil(100) } else { of }
    }
}
