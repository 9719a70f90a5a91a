//! How costs grow, as a picture.

use std::{error::Error, path::Path};

use plotters::prelude::*;

/// The cost of one thing, in nanoseconds, as another grows.
#[derive(Debug)]
pub struct Line<'a> {
    /// What grows.
    pub name: &'a str,
    /// How many there are, and the cost.
    pub points: Vec<(u64, f64)>,
}

/// Draws lines into an SVG file, both axes logarithmic.
///
/// # Errors
/// Where the file cannot be written.
pub fn plot(file: &Path, lines: &[Line<'_>]) -> Result<(), Box<dyn Error>> {
    let points = || lines.iter().flat_map(|line| &line.points);
    let most = points().map(|(count, _)| *count).max().unwrap_or(1);
    let costs = points().map(|(_, cost)| *cost);
    let (lowest, highest) =
        costs.fold((f64::MAX, 1.0), |(low, high), cost| (cost.min(low), cost.max(high)));
    let area = SVGBackend::new(file, (720, 400)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(16)
        .x_label_area_size(40)
        .y_label_area_size(70)
        .build_cartesian_2d((1..most * 2).log_scale(), (lowest / 2.0..highest * 2.0).log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_desc("how many there are")
        .y_desc("ns for one message")
        .y_label_formatter(&|cost| format!("{cost:.0}"))
        .draw()?;
    for (number, line) in lines.iter().enumerate() {
        let color = Palette99::pick(number).stroke_width(2);
        let series = LineSeries::new(line.points.iter().copied(), color).point_size(3);
        chart
            .draw_series(series)?
            .label(line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], color));
    }
    chart.configure_series_labels().background_style(WHITE).border_style(BLACK).draw()?;
    area.present()?;
    Ok(())
}
