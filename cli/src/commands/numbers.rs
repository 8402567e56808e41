//! Numbers of the command line: percentages and shares. Sizes are the compiler's, as in `zant.toml`.

/// A percentage: `5%`, `5` or `0.5 %`.
pub(super) fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim();
    match number.parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(number),
        Ok(_) => Err("a percentage of zero or more".into()),
        Err(_) => Err("not a percentage like 5%".into()),
    }
}

/// A percentage that is a whole number between 0 and 100, without both.
pub(super) fn part(text: &str) -> Result<u32, String> {
    let number = percent(text)?;
    let whole = number.fract() == 0.0 && number > 0.0 && number < 100.0;
    if whole { Ok(number as u32) } else { Err("a whole number of percent from 1% to 99%".into()) }
}

/// A number that is mostly a share: `97%` or `0.97`.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let scale = if text.trim_end().ends_with('%') { 100.0 } else { 1.0 };
    percent(text).map(|number| number / scale).map_err(|_| "expected a share as 97% or 0.97".into())
}

#[cfg(test)]
mod tests {
    use super::{part, percent, share};

    #[test]
    fn percentages_are_read_alike_everywhere() {
        assert_eq!(["5%", "5", "0.5 %", "0"].map(percent), [Ok(5.0), Ok(5.0), Ok(0.5), Ok(0.0)]);
        assert_eq!(["97%", "0.97", "2"].map(share), [Ok(0.97), Ok(0.97), Ok(2.0)]);
        assert_eq!(["50%", "1"].map(part), [Ok(50), Ok(1)]);
        for wrong in ["", "%", "much", "-1", "nan", "inf", "5%%"] {
            assert!(percent(wrong).is_err() && share(wrong).is_err() && part(wrong).is_err(), "{wrong}");
        }
        assert!(["0", "100%", "1.5"].iter().all(|wrong| part(wrong).is_err()));
    }
}
