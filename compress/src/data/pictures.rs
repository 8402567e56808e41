//! Pictures in folders, one for each class.

use std::path::{Path, PathBuf};

use image::imageops::FilterType;
use zantc::ir::{DType, Type};

use super::{Layout, Transform, channels_of};
use crate::{Outcome, bad, bad_but};

/// Ends of the names of pictures.
const KINDS: [&str; 3] = ["png", "jpg", "jpeg"];

/// Pictures by class, read when they are needed.
#[derive(Debug)]
pub(super) struct Pictures {
    /// Each with its class.
    files: Vec<(PathBuf, usize)>,
    channels: usize,
    height: usize,
    width: usize,
    layout: Layout,
}

impl Pictures {
    /// Looks at a folder of folders. A class is its folder's number where all names are numbers, else its place in the order of names.
    pub(super) fn open(folder: &Path, input: &Type, transform: &Transform) -> Outcome<Pictures> {
        let [_, a, b, c] = *input.shape.as_slice() else {
            return Err(bad(format!("the model's input is {input}, which no picture is")));
        };
        let [channels, height, width] = match transform.layout {
            Layout::Nchw => [a, b, c],
            Layout::Nhwc => [c, a, b],
        };
        if !matches!(channels, 1 | 3) || input.dtype != DType::F32 {
            let help = "pictures are for inputs of floats with one channel or three; `layout` in `[data]` of zant.toml says where these are";
            return Err(bad_but(format!("the model's input is {input}, which no picture is"), help));
        }
        transform.check(channels_of(input, transform.layout))?;
        let folders: Vec<PathBuf> = entries(folder)?.into_iter().filter(|p| p.is_dir()).collect();
        let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<usize>().ok();
        let numbers: Option<Vec<usize>> = folders.iter().map(number).collect();
        let classes = numbers.unwrap_or_else(|| (0..folders.len()).collect());
        let mut files = Vec::new();
        for (class, folder) in classes.into_iter().zip(&folders) {
            let is_picture = |p: &PathBuf| {
                let kind = p.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
                kind.is_some_and(|kind| KINDS.contains(&kind.as_str()))
            };
            files.extend(entries(folder)?.into_iter().filter(is_picture).map(|path| (path, class)));
        }
        if files.is_empty() {
            let help = "it is to have a folder for each class with PNG or JPEG files, or `test_data_set_*`";
            return Err(bad_but(format!("{folder:?} has no picture"), help));
        }
        Ok(Pictures { files, channels, height, width, layout: transform.layout })
    }

    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    /// The class of each picture.
    pub(super) fn classes(&self) -> Vec<usize> {
        self.files.iter().map(|(_, class)| *class).collect()
    }

    /// A picture's numbers from 0 to 255 in the model's layout, resized by a triangle filter where its size is another.
    pub(super) fn read(&self, at: usize) -> Outcome<Vec<f32>> {
        let path = &self.files[at].0;
        let fail = |e: &dyn std::fmt::Display| bad(format!("{path:?}: {e}"));
        let reader =
            image::ImageReader::open(path).map_err(|e| fail(&e))?.with_guessed_format().map_err(|e| fail(&e))?;
        let picture = reader.decode().map_err(|e| fail(&e))?;
        let size = |n: usize| u32::try_from(n).map_err(|_| bad("the model's pictures are too large"));
        let (width, height) = (size(self.width)?, size(self.height)?);
        let picture = match (picture.width(), picture.height()) == (width, height) {
            true => picture,
            false => picture.resize_exact(width, height, FilterType::Triangle),
        };
        let bytes = if self.channels == 1 { picture.into_luma8().into_raw() } else { picture.into_rgb8().into_raw() };
        let pixels = self.height * self.width;
        let from = |at: usize| match self.layout {
            Layout::Nhwc => at,
            Layout::Nchw => at % pixels * self.channels + at / pixels,
        };
        Ok((0..bytes.len()).map(|at| f32::from(bytes[from(at)])).collect())
    }
}

/// What lies in a folder, in the order of names.
fn entries(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(|e| bad(format!("cannot read {folder:?}: {e}")))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};
    use zantc::ir::{DType, Type};

    use super::Pictures;
    use crate::data::Transform;

    #[test]
    fn classes_are_folders_and_channels_go_where_the_model_has_them() {
        let folder = tempfile::tempdir().unwrap();
        for class in ["10", "2"] {
            std::fs::create_dir(folder.path().join(class)).unwrap();
        }
        let picture = RgbImage::from_fn(2, 1, |x, _| Rgb([x as u8, 10 + x as u8, 20 + x as u8]));
        picture.save(folder.path().join("2/a.png")).unwrap();
        RgbImage::from_pixel(4, 2, Rgb([7, 7, 7])).save(folder.path().join("10/b.png")).unwrap();
        std::fs::write(folder.path().join("10/notes.txt"), "no picture").unwrap();
        std::fs::write(folder.path().join("10/broken.png"), "no picture either").unwrap();
        let open = |shape: [usize; 4], layout: &str| {
            let transform = Transform::from_toml(&format!("[data]\nlayout = \"{layout}\"")).unwrap();
            Pictures::open(folder.path(), &Type::new(DType::F32, shape), &transform)
        };
        let pictures = open([1, 3, 1, 2], "nchw").unwrap();
        assert_eq!(pictures.classes(), [10, 10, 2]);
        assert_eq!(pictures.read(2).unwrap(), [0.0, 1.0, 10.0, 11.0, 20.0, 21.0]);
        assert_eq!(pictures.read(0).unwrap(), [7.0; 6]);
        assert!(pictures.read(1).unwrap_err()[0].message.contains("broken.png"));
        assert_eq!(open([1, 1, 2, 3], "nhwc").unwrap().read(2).unwrap(), [0.0, 10.0, 20.0, 1.0, 11.0, 21.0]);
        assert!(open([1, 1, 2, 3], "nchw").unwrap().read(0).unwrap() == [7.0; 6]);
        assert!(open([1, 4, 2, 2], "nchw").is_err());
        std::fs::create_dir(folder.path().join("bird")).unwrap();
        assert_eq!(
            open([1, 3, 1, 2], "nchw").unwrap().classes(),
            [0, 0, 1],
            "names are no numbers: their order counts"
        );
        let empty = tempfile::tempdir().unwrap();
        let of_floats = Type::new(DType::F32, [1, 3, 1, 2]);
        let fault = Pictures::open(empty.path(), &of_floats, &Transform::default()).unwrap_err();
        assert!(fault[0].message.contains("no picture"));
    }
}
