//! What becomes of the numbers of a picture before the model sees them.

use std::path::Path;

use serde::Deserialize;
use zantc::config::file_beside;
use zantc::ir::Type;

use super::channels_of;
use crate::{Outcome, bad, bad_but};

/// The order of dimensions of a model's pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// Channels, rows, columns.
    #[default]
    Nchw,
    /// Rows, columns, channels.
    Nhwc,
}

/// `(x * scale - mean) / std`, by channel: the table `[data]` of a `zant.toml`.
///
/// ```toml
/// [data]
/// scale = 0.00392156862745098
/// mean = [0.485, 0.456, 0.406]
/// std = [0.229, 0.224, 0.225]
/// layout = "nchw"
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Transform {
    /// What numbers are multiplied by first.
    pub scale: f32,
    /// What is subtracted: one number, or one for each channel, or nothing.
    pub mean: Vec<f32>,
    /// What is divided by then: one number, or one for each channel, or nothing.
    pub std: Vec<f32>,
    /// The order of dimensions of the model's pictures.
    pub layout: Layout,
}

impl Default for Transform {
    fn default() -> Transform {
        Transform { scale: 1.0, mean: Vec::new(), std: Vec::new(), layout: Layout::default() }
    }
}

/// A `zant.toml` of which only `[data]` is looked at.
#[derive(Deserialize)]
struct File {
    data: Option<Transform>,
}

impl Transform {
    /// The transform that the `zant.toml` beside a model asks for; none where there is no such file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn beside(model: &Path) -> Outcome<Transform> {
        std::fs::read_to_string(file_beside(model))
            .map_or_else(|_| Ok(Transform::default()), |text| Transform::from_toml(&text))
    }

    /// The transform that the text of a `zant.toml` asks for; its other keys are the compiler's.
    ///
    /// # Errors
    /// What is wrong.
    pub fn from_toml(text: &str) -> Outcome<Transform> {
        let file: File =
            toml::from_str(text).map_err(|e| bad_but(e.message(), "`[data]` has scale, mean, std and layout"))?;
        Ok(file.data.unwrap_or_default())
    }

    /// Whether it changes nothing.
    pub fn is_identity(&self) -> bool {
        self.scale == 1.0 && self.mean.is_empty() && self.std.is_empty()
    }

    /// Refuses numbers that make no sense for so many channels.
    pub(super) fn check(&self, channels: Option<usize>) -> Outcome<()> {
        for (name, numbers) in [("mean", &self.mean), ("std", &self.std)] {
            let fits = numbers.len() < 2 || Some(numbers.len()) == channels;
            if !fits {
                let channels = channels.map_or_else(|| "none".to_string(), |n| n.to_string());
                return Err(bad(format!(
                    "{name} has {} numbers, and the model's input {channels} channels",
                    numbers.len()
                )));
            }
        }
        let usable = self.scale.is_finite() && self.mean.iter().all(|v| v.is_finite());
        if !usable || self.std.iter().any(|v| !v.is_finite() || *v == 0.0) {
            return Err(bad("scale, mean and std are to be finite numbers, and std is not to be 0"));
        }
        Ok(())
    }

    /// Transforms the numbers of an input.
    pub(super) fn apply(&self, numbers: &mut [f32], input: &Type) {
        if self.is_identity() {
            return;
        }
        let channels = channels_of(input, self.layout).unwrap_or(1).max(1);
        let inner: usize = match self.layout {
            Layout::Nchw => input.shape.iter().skip(2).product(),
            Layout::Nhwc => 1,
        };
        let of = |numbers: &[f32], channel: usize, none: f32| match numbers {
            [] => none,
            [one] => *one,
            many => many[channel],
        };
        for (at, v) in numbers.iter_mut().enumerate() {
            let channel = at / inner.max(1) % channels;
            *v = (*v * self.scale - of(&self.mean, channel, 0.0)) / of(&self.std, channel, 1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use zantc::ir::{DType, Type};

    use super::{Layout, Transform};

    #[test]
    fn channels_get_their_numbers_in_both_layouts() {
        let text = "target = \"host\"\n[data]\nscale = 0.5\nmean = [1.0, 2.0]\nstd = [1.0, 4.0]\n";
        let mut transform = Transform::from_toml(text).unwrap();
        let mut numbers = [2.0, 4.0, 8.0, 12.0];
        transform.apply(&mut numbers, &Type::new(DType::F32, [1, 2, 1, 2]));
        assert_eq!(numbers, [0.0, 1.0, 0.5, 1.0]);
        transform.layout = Layout::Nhwc;
        let mut numbers = [2.0, 8.0, 4.0, 12.0];
        transform.apply(&mut numbers, &Type::new(DType::F32, [1, 1, 2, 2]));
        assert_eq!(numbers, [0.0, 0.5, 1.0, 1.0]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let message = |text: &str| Transform::from_toml(text).unwrap_err()[0].message.clone();
        assert!(message("[data]\nscales = 1.0").contains("scales"));
        let of = |text: &str| Transform::from_toml(text).unwrap();
        assert!(of("[data]\nmean = [1.0, 2.0]").check(Some(3)).is_err());
        assert!(of("[data]\nstd = [0.0]").check(Some(3)).is_err());
        assert!(of("[data]\nmean = [1.0]").check(None).is_ok());
        assert!(of("name = \"x\"").is_identity());
    }
}
