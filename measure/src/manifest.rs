//! The manifests of the packages that are built around an emitted crate.

use std::path::Path;

use crate::Error;

/// The levels of optimisation, each a profile.
const LEVELS: [&str; 5] = ["0", "2", "3", "s", "z"];

/// The profile of a level of optimisation.
///
/// # Errors
/// Where there is no such level.
pub(crate) fn profile(level: &str) -> Result<String, Error> {
    match LEVELS.contains(&level) {
        true => Ok(format!("level-{level}")),
        false => Err(Error::Io(format!("there is no level of optimisation {level:?}"))),
    }
}

/// The manifest of the package `binary` in `folder`, which calls the emitted crate `name` in `krate` by the name `model`. A crate
/// below the folder is named by its relative path: then nothing in the linked file depends on where the folder is.
pub(crate) fn text(binary: &str, name: &str, krate: &Path, folder: &Path) -> String {
    let path = krate.strip_prefix(folder).unwrap_or(krate).to_string_lossy();
    let mut text = format!(
        "[package]\nname = \"{binary}\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n[workspace]\nexclude = [{path:?}]\n\n[dependencies]\nmodel = {{ package = {name:?}, path = {path:?} }}\n\n[features]\nprompt = [\"session\"]\nsession = []\nsteps = []\n",
    );
    for level in LEVELS {
        let value = if level.parse::<u8>().is_ok() { level.to_string() } else { format!("{level:?}") };
        text += &format!(
            "\n[profile.level-{level}]\ninherits = \"release\"\nopt-level = {value}\nlto = true\ncodegen-units = 1\npanic = \"abort\"\n"
        );
    }
    text
}
