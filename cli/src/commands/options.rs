//! The table of options as arguments.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};
use zantc::config::{Choice, Form, OPTIONS, Options};

/// The options that every command takes which takes a model.
#[derive(Clone, Debug)]
pub(super) struct ModelOptions(pub(super) Options);

fn arg(choice: Choice) -> Arg {
    // What is right is taken once more when all of them are read.
    let check = move |text: &str| choice.take(&mut Options::default(), text).map(|()| text.to_string());
    let arg = Arg::new(choice.name).long(choice.name).help(choice.help).value_parser(check);
    match choice.form {
        // Without an action it would be there, and false, where nobody says it.
        Form::Flag(_) => arg.num_args(0).default_missing_value("true").action(ArgAction::Set),
        Form::Numbers(_) | Form::Names(_) => arg.value_name(choice.value).action(ArgAction::Append),
        Form::Text(_) | Form::Bytes(_) => arg.value_name(choice.value),
    }
}

impl Args for ModelOptions {
    fn augment_args(command: Command) -> Command {
        command.args(OPTIONS.map(arg))
    }

    fn augment_args_for_update(command: Command) -> Command {
        ModelOptions::augment_args(command)
    }
}

impl FromArgMatches for ModelOptions {
    fn from_arg_matches(matches: &ArgMatches) -> Result<ModelOptions, Error> {
        let mut options = ModelOptions(Options::default());
        options.update_from_arg_matches(matches)?;
        Ok(options)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        for choice in OPTIONS {
            for text in matches.get_many::<String>(choice.name).into_iter().flatten() {
                let wrong = |why: String| Error::raw(clap::error::ErrorKind::ValueValidation, why);
                choice.take(&mut self.0, text).map_err(wrong)?;
            }
        }
        match twice(&self.0.dim).or_else(|| twice(&self.0.state)) {
            Some(name) => {
                let why = format!("{name:?} is given twice\n");
                Err(Error::raw(clap::error::ErrorKind::ArgumentConflict, why))
            }
            None => Ok(()),
        }
    }
}

/// The first name that stands twice among pairs.
fn twice<T>(pairs: &[(String, T)]) -> Option<&str> {
    let mut names = pairs.iter().enumerate().map(|(i, (name, _))| (i, name.as_str()));
    names.find(|(i, name)| pairs[..*i].iter().any(|(other, _)| other == name)).map(|(_, name)| name)
}
