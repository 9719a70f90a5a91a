use std::process::ExitCode;

use crate::{
    Goal, Options,
    median::median,
    report::{Quantity, Report, Row},
};

/// One side of a case. Each call is a round, and says what was measured.
pub type Side<'a, const N: usize> = &'a mut dyn FnMut() -> [f64; N];

/// Runs cases, and prints what comes out.
pub struct Bench {
    options: Options,
    report: Report,
    /// The ratio of each quantity of the cases so far.
    ratios: Vec<(String, f64)>,
}

impl Bench {
    /// Nothing has been measured yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { report: Report::new(options.json), options, ratios: Vec::new() }
    }

    /// How to measure.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Whether a case is asked for.
    #[must_use]
    pub fn wants(&self, case: &str) -> bool {
        self.options.filter.as_ref().is_none_or(|filter| case.contains(filter.as_str()))
    }

    /// Measures some quantities of Conduit and of what lies under it, one after the other in each
    /// round. Who begins changes with every round.
    pub fn case<const N: usize>(
        &mut self,
        case: &str,
        quantities: [Quantity; N],
        conduit: Side<'_, N>,
        raw: Side<'_, N>,
    ) {
        let rounds: Vec<_> = (0..self.options.rounds.max(1))
            .map(|round| {
                if round % 2 == 0 {
                    let ours = conduit();
                    (ours, raw())
                } else {
                    let theirs = raw();
                    (conduit(), theirs)
                }
            })
            .collect();
        for (at, quantity) in quantities.iter().enumerate() {
            let ours = rounds.iter().map(|(ours, _)| ours[at]);
            let theirs = rounds.iter().map(|(_, theirs)| theirs[at]);
            let ratios = ours.clone().zip(theirs.clone()).map(|(ours, theirs)| ours / theirs);
            let ratio = median(ratios);
            self.ratios.push((quantity.of(case), ratio));
            self.report.row(&Row {
                case: quantity.of(case),
                unit: quantity.unit(),
                conduit: median(ours),
                raw: Some(median(theirs)),
                ratio: Some(ratio),
                rounds: rounds.len(),
            });
        }
    }

    /// Ends with an error if it has to check, and a case missed its goal.
    #[must_use]
    pub fn end(&self, goals: &[Goal]) -> ExitCode {
        if !self.options.check {
            return ExitCode::SUCCESS;
        }
        let missed: Vec<_> = goals.iter().filter_map(|goal| goal.missed(&self.ratios)).collect();
        missed.iter().for_each(|missed| eprintln!("{missed}"));
        if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// Reports something that has nothing beside it, and returns its median.
    pub fn single(&mut self, case: &str, quantity: Quantity, values: &[f64]) -> f64 {
        let median = median(values.iter().copied());
        self.report.row(&Row {
            case: quantity.of(case),
            unit: quantity.unit(),
            conduit: median,
            raw: None,
            ratio: None,
            rounds: values.len(),
        });
        median
    }
}

impl std::fmt::Debug for Bench {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bench").field("options", &self.options).finish_non_exhaustive()
    }
}
