//! Plans: one independent command for each row.

use std::path::{Path, PathBuf};

use super::{Ladder, Origin, Rung};

/// Where a plan is.
fn place(folder: &Path) -> PathBuf {
    folder.join("plan.txt")
}

/// The name stands at the end of each command.
const ONLY: &str = " --only ";

/// The command that makes a row, as a shell takes it.
pub fn command(ladder: &Ladder, rung: &Rung) -> String {
    let mut words: Vec<String> = vec!["zantc".into(), "ladder".into()];
    let path = |path: &Path| path.to_string_lossy().into_owned();
    words.push(path(&ladder.model));
    let mut option = |name: &str, value: String| words.extend([format!("--{name}"), value]);
    option("data", path(&ladder.data));
    ladder.labels.iter().for_each(|labels| option("labels", path(labels)));
    ladder.calibrate.iter().for_each(|data| option("calibrate", path(data)));
    ladder.metric.iter().for_each(|metric| option("metric", metric.name().into()));
    ladder.options.dim.iter().for_each(|(name, value)| option("dim", format!("{name}={value}")));
    ladder.targets.iter().for_each(|target| option("target", target.name.into()));
    option("runs", ladder.runs.to_string());
    option("emulate", ladder.emulate.to_string());
    if let Origin::Added(model) = &rung.origin {
        option("add", format!("{}={}", rung.name, model.to_string_lossy()));
    }
    option("output", path(&ladder.folder));
    if ladder.quick {
        words.push("--quick".into());
    }
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    format!("{}{ONLY}{}", words.join(" "), rung.name)
}

/// A word of a command, quoted where it needs that.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=+:,@%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// The names of the rows that the plan in a folder has; none where there is no plan.
pub fn planned(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(place(folder)).unwrap_or_default();
    text.lines().filter_map(|line| Some(line.rsplit_once(ONLY)?.1.to_string())).collect()
}

impl Ladder {
    /// Writes the plan, a line for each row; gives where it is.
    ///
    /// # Errors
    /// What the file system refuses.
    pub fn write_plan(&self, rungs: &[Rung]) -> std::io::Result<PathBuf> {
        let text: String = rungs.iter().map(|rung| command(self, rung) + "\n").collect();
        std::fs::create_dir_all(&self.folder)?;
        let path = place(&self.folder);
        std::fs::write(&path, text)?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_are_quoted_where_a_shell_would_cut_them() {
        for (word, is) in
            [("a-b/c.onnx", "a-b/c.onnx"), ("a b", "'a b'"), ("it's", "'it'\\''s'"), ("", "''"), ("$x", "'$x'")]
        {
            assert_eq!(quoted(word), is);
        }
    }
}
