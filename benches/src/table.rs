//! Samples, and the table they are shown in.

use std::fmt;
use std::time::{Duration, Instant};

/// A title and rows of: what, figure, noise, aim.
pub(crate) struct Table {
    title: &'static str,
    rows: Vec<[String; 4]>,
}

impl Table {
    pub(crate) fn new(title: &'static str) -> Self {
        Self {
            title,
            rows: Vec::new(),
        }
    }

    /// A row with a figure that has no spread, such as a count.
    pub(crate) fn count(&mut self, what: &str, figure: impl fmt::Display, aim: &str) {
        self.rows
            .push([what.into(), figure.to_string(), "–".into(), aim.into()]);
    }

    /// A row with the median of its samples and half the distance of the quartiles.
    pub(crate) fn spread(&mut self, what: &str, samples: &Samples, unit: &str, aim: &str) {
        let figure = format!("{} {unit}", rounded(samples.median()));
        self.rows.push([
            what.into(),
            figure,
            format!("±{}", rounded(samples.noise())),
            aim.into(),
        ]);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "### {}\n\n| what | measured | noise | aim |\n|---|---|---|---|",
            self.title
        )?;
        for [what, figure, noise, aim] in &self.rows {
            writeln!(f, "| {what} | {figure} | {noise} | {aim} |")?;
        }
        Ok(())
    }
}

/// Repeated measurements of one thing.
#[derive(Debug, Clone)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn new(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        Self(samples)
    }

    /// Nanoseconds for one of `operations` done by `work`, sampled `count` times after a warm-up.
    pub(crate) fn nanos(count: usize, operations: usize, mut work: impl FnMut()) -> Self {
        work();
        let mut samples = Vec::with_capacity(count);
        for _ in 0..count {
            let start = Instant::now();
            work();
            samples.push(start.elapsed().as_nanos() as f64 / operations as f64);
        }
        Self::new(samples)
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// Half the distance between the quartiles.
    pub(crate) fn noise(&self) -> f64 {
        (self.quantile(0.75) - self.quantile(0.25)) / 2.0
    }

    fn quantile(&self, q: f64) -> f64 {
        let index = (q * (self.0.len().saturating_sub(1)) as f64).round() as usize;
        self.0.get(index).copied().unwrap_or(f64::NAN)
    }
}

pub(crate) fn rounded(figure: f64) -> String {
    match figure.abs() {
        x if x >= 100.0 => format!("{figure:.0}"),
        x if x >= 10.0 => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}

pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
