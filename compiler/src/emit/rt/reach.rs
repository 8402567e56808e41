//! Which items of the runtime emitted code reaches: by names, from the text of the model.
//!
//! A name is looked up as Rust does: among the items of its file, then among its imports. What stands behind a point or `::` may be
//! a member of any type: members of that name stay wherever their type does, and members of traits wherever trait and type do. So
//! more may stay than is used, and never less: what does not build would not have built before.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;

use zant_runtime::sources::FAMILIES;

use super::conditions::{Known, known};
use super::fold::{Facts, cuts};
use super::index::{FILES, Id, MODULES, NAMED, imports, intern, part, targets};
use super::items::{Item, Kind};
use super::lex::{Kind as Lex, Token, tokens};

/// How a name is met.
#[derive(Clone, Copy, Debug)]
struct Via {
    /// The file that has it; `None` for emitted code.
    by: Option<usize>,
    /// Whether it is called as a macro is.
    is_call: bool,
}

/// What is reached.
pub(super) struct Reached {
    /// The conditions of families whose files are left out.
    pub(super) never: Vec<&'static str>,
    /// What is known of the CPU.
    pub(super) facts: Facts,
    /// Files of which something is reached.
    pub(super) files: BTreeSet<usize>,
    /// Items and members.
    pub(super) live: HashSet<Id>,
    /// Imports: the item, and the number of the name there.
    pub(super) imports: HashSet<(Id, usize)>,
    runs: fn(&str, &[&str]) -> bool,
    families: Vec<&'static str>,
    /// Names that stand behind a point or `::`, in each file and in all.
    members: HashSet<&'static str>,
    of_file: HashMap<usize, HashSet<&'static str>>,
    /// Names that stand for themselves.
    words: HashSet<&'static str>,
    /// The files that call each macro.
    callers: BTreeMap<Id, BTreeSet<usize>>,
    /// Types that users of the crate see: all that is public of them stays.
    seen: HashSet<Id>,
    scanned: HashSet<(Id, usize)>,
    open: Vec<(Id, usize)>,
    heads: HashMap<Id, (Option<Id>, Vec<Id>)>,
}

/// What a text of an emitted crate reaches of the runtime, which is called `rt` there; text with `cpu` is within `rt` itself.
pub(super) fn reached(texts: &[&str], cpu: &str, families: Vec<&'static str>, facts: Facts) -> Reached {
    let left_out = FAMILIES.iter().filter(|(family, _)| !families.contains(family));
    let mut reached = Reached {
        never: left_out.map(|(_, condition)| *condition).collect(),
        facts,
        files: BTreeSet::new(),
        live: HashSet::new(),
        imports: HashSet::new(),
        runs: |path, families| {
            let family = FAMILIES.iter().map(|(family, _)| *family).find(|family| path.starts_with(family));
            family.is_none_or(|family| families.contains(&family))
        },
        families,
        members: HashSet::new(),
        of_file: HashMap::new(),
        words: HashSet::new(),
        callers: BTreeMap::new(),
        seen: HashSet::new(),
        scanned: HashSet::new(),
        open: Vec::new(),
        heads: HashMap::new(),
    };
    for text in texts {
        reached.root(text, false);
    }
    reached.root(cpu, true);
    reached.close();
    reached
}

impl Reached {
    /// Whether a file's instructions are the target's.
    fn has(&self, file: usize) -> bool {
        (self.runs)(FILES[file].path, &self.families)
    }

    /// Whether an item is compiled on any machine.
    pub(super) fn may_be(&self, file: usize, item: &Item) -> bool {
        let condition = item.condition.as_ref().map(|(inner, _)| &FILES[file].text[inner.clone()]);
        condition.is_none_or(|c| known(c, &self.never) != Known::False)
    }

    /// Follows the paths of a text into the runtime.
    fn root(&mut self, text: &str, inside: bool) {
        let tokens: Vec<Token> = tokens(text).into_iter().filter(|t| t.kind != Lex::Comment).collect();
        let root = Root { text, tokens: &tokens };
        let mut modules: HashMap<String, Vec<String>> = HashMap::new();
        let mut is_public = false;
        for (at, token) in tokens.iter().enumerate() {
            match token.kind {
                Lex::Mark(b';') => is_public = false,
                Lex::Word => {
                    let word = root.str(at);
                    is_public |= word == "pub" && root.str(at + 1) == "use";
                    let is_inner = at > 1 && root.is_path(at - 2);
                    let is_member = is_inner || (at > 0 && root.str(at - 1) == ".");
                    if is_member || matches!(at.checked_sub(1).map(|b| root.str(b)), Some("fn" | "const" | "type")) {
                        self.mention(word);
                    }
                    let start = if word == "rt" && root.is_path(at + 1) { at + 3 } else { at };
                    let above = modules.get(word).filter(|_| !is_member && root.is_path(at + 1)).cloned();
                    if let Some(mut path) = above {
                        path.extend(root.paths(&mut (at + 3)).into_iter().next().unwrap_or_default());
                        self.follow(&path, false, &mut modules);
                    } else if start > at || (inside && !is_inner) {
                        for path in root.paths(&mut start.clone()) {
                            self.follow(&path, is_public, &mut modules);
                        }
                    }
                }
                Lex::Mark(_) | Lex::Literal | Lex::Lifetime | Lex::Comment => {}
            }
        }
    }

    /// Reaches what a path names. What is a module becomes a name for others to begin with.
    fn follow(&mut self, path: &[String], is_public: bool, modules: &mut HashMap<String, Vec<String>>) {
        let parts: Vec<&str> = path.iter().map(String::as_str).collect();
        let found = self.named_from_root(&parts, Via { by: None, is_call: false });
        if let (true, Some(last)) = (found.is_empty(), path.last()) {
            modules.insert(last.clone(), path.to_vec());
        }
        if is_public {
            self.seen.extend(found);
        }
    }

    /// Notes that a member of this name may be used.
    fn mention(&mut self, word: &str) {
        if let Some(known) = intern(word) {
            self.members.insert(known);
        }
    }

    /// What a path from the root of the runtime names, which is reached.
    fn named_from_root(&mut self, path: &[&str], via: Via) -> Vec<Id> {
        for length in (1..=path.len()).rev() {
            let Some(&file) = MODULES.get(path[..length].join("/").as_str()) else { continue };
            if !self.has(file) || length == path.len() {
                return Vec::new();
            }
            let found = self.named(file, &path[length..], via);
            // A macro may make it.
            self.files.insert(file);
            return found;
        }
        Vec::new()
    }

    /// What a path names within a file, which is reached.
    fn named(&mut self, file: usize, path: &[&str], via: Via) -> Vec<Id> {
        let first = path[0];
        let module: Vec<&str> = FILES[file].path.trim_end_matches(".rs").split('/').collect();
        let ups = path.iter().take_while(|part| **part == "super").count();
        if ups > 0 {
            let above = &module[..module.len().saturating_sub(ups)];
            return self.named_from_root(&[above, &path[ups..]].concat(), via);
        }
        let mut found = Vec::new();
        for &item in NAMED[file].get(first).into_iter().flatten() {
            let code = &FILES[file].items[item];
            if self.may_be(file, code) && (via.is_call || !matches!(code.kind, Kind::Macro(_))) {
                let id = Id { file, item, member: None };
                found.push(id);
                self.reach(id, via.by.unwrap_or(file));
            }
        }
        for (id, number) in imports(file, first) {
            let item = &FILES[file].items[id.item];
            let Kind::Use(all) = &item.kind else { continue };
            if !self.may_be(file, item) || (!via.is_call && self.is_macro(file, first)) {
                continue;
            }
            let target = all[number].target.iter().flatten().map(String::as_str).chain(path[1..].iter().copied());
            let target: Vec<&str> = target.collect();
            // A macro that a file hands on is in the file itself, which does not need the import.
            let is_own = target.len() == module.len() + path.len()
                && target.starts_with(&module)
                && target[module.len()] == first;
            if is_own && via.by == Some(file) {
                continue;
            }
            self.imports.insert((id, number));
            self.files.insert(file);
            if !is_own && all[number].target.is_some() {
                found.extend(self.named_from_root(&target, via));
            }
        }
        found
    }

    /// Notes that an item is used by a file.
    fn reach(&mut self, id: Id, by: usize) {
        if self.live.insert(id) {
            self.files.insert(id.file);
            self.open.push((id, id.file));
        }
        if id.member.is_none() && matches!(FILES[id.file].items[id.item].kind, Kind::Macro(_)) {
            self.callers.entry(id).or_default().insert(by);
            self.open.push((id, by));
        }
    }

    /// Reads what is open, in the scope of the file that it is used in.
    fn drain(&mut self) {
        while let Some((id, scope)) = self.open.pop() {
            if self.scanned.insert((id, scope)) {
                self.scan(id, scope);
            }
        }
    }

    fn scan(&mut self, id: Id, scope: usize) {
        let file = &FILES[id.file];
        let item = part(id);
        let is_macro = matches!(file.items[id.item].kind, Kind::Macro(_));
        let gone: Vec<Range<usize>> = cuts(id, self.facts).into_iter().flat_map(|cut| cut.gone).collect();
        let is_left = |at: &usize| !gone.iter().any(|range| range.contains(at));
        let own: Vec<usize> = item.own.iter().cloned().flatten().filter(is_left).collect();
        let calls_macro = |this: &Self, at: usize| {
            let word = file.word(at).filter(|_| file.tokens.get(at + 1).is_some_and(|t| t.is(b'!')));
            word.is_some_and(|word| this.is_macro(scope, word))
        };
        // What a macro is told may become anything.
        let told = own.iter().filter(|&&at| calls_macro(self, at)).map(|&at| at..file.closed(at + 2));
        let told: Vec<Range<usize>> = told.collect();
        let mut defines = true;
        for at in own {
            let token = file.tokens[at];
            match token.kind {
                Lex::Literal => self.captures(&file.text[token.range()], scope),
                Lex::Word => {
                    let word = &file.text[token.range()];
                    if is_macro || told.iter().any(|range| range.contains(&at)) {
                        self.note(scope, word);
                    }
                    // Not the `fn` of `const fn`.
                    let is_name = !matches!(word, "fn" | "unsafe");
                    let is_defined = is_name && at > 0 && matches!(file.word(at - 1), Some("fn" | "const" | "type"));
                    if is_defined && !defines {
                        self.note(scope, word);
                    }
                    defines &= !is_defined;
                    self.word(id.file, at, scope);
                }
                Lex::Mark(_) | Lex::Lifetime | Lex::Comment => {}
            }
        }
    }

    /// A word of an item: a member, or the beginning of a path.
    fn word(&mut self, file: usize, at: usize, scope: usize) {
        let file = &FILES[file];
        let is = |at: usize, mark: u8| file.tokens.get(at).is_some_and(|t| t.is(mark));
        let word = file.word(at).unwrap_or("");
        let is_field = at > 0 && is(at - 1, b'.') && !(at > 1 && is(at - 2, b'.'));
        let is_inner = at > 1 && is(at - 1, b':') && is(at - 2, b':');
        if is_inner || is_field {
            // What is not called is a field.
            if is_inner || is(at + 1, b'(') || is(at + 1, b':') {
                self.note(scope, word);
            }
            return;
        }
        let mut path = vec![word];
        let mut next = at + 1;
        while is(next, b':') && is(next + 1, b':') {
            let Some(word) = file.word(next + 2) else { break };
            path.push(word);
            next += 3;
        }
        self.words.insert(word);
        self.named(scope, &path, Via { by: Some(scope), is_call: is(at + 1, b'!') && !is(at + 2, b'=') });
    }

    fn note(&mut self, file: usize, word: &'static str) {
        self.members.insert(word);
        self.of_file.entry(file).or_default().insert(word);
    }

    /// Names within a text that is formatted: `{NAME}`.
    fn captures(&mut self, text: &'static str, scope: usize) {
        for rest in text.split('{').skip(1) {
            let length = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
            if length > 0 {
                self.named(scope, &[&rest[..length]], Via { by: Some(scope), is_call: false });
            }
        }
    }

    /// Whether a name is that of a macro of the runtime.
    fn is_macro(&self, file: usize, name: &str) -> bool {
        let is_own = |&item: &usize| matches!(FILES[file].items[item].kind, Kind::Macro(_));
        NAMED[file].get(name).is_some_and(|items| items.iter().any(is_own))
            || imports(file, name).any(|(id, number)| {
                let Kind::Use(all) = &FILES[file].items[id.item].kind else { return false };
                let target = all[number].target.as_ref().and_then(|target| target.split_last());
                let module = target.and_then(|(_, module)| MODULES.get(module.join("/").as_str()));
                module.is_some_and(|&module| module != file && self.is_macro(module, name))
            })
    }

    /// Reaches implementations and members whose conditions have come true, until there are no more.
    fn close(&mut self) {
        loop {
            self.drain();
            let before = (self.live.len(), self.imports.len(), self.scanned.len());
            for (file, source) in FILES.iter().enumerate().filter(|(file, _)| self.has(*file)).collect::<Vec<_>>() {
                for (item, code) in source.items.iter().enumerate() {
                    self.consider(Id { file, item, member: None }, code);
                }
            }
            if self.open.is_empty() && before == (self.live.len(), self.imports.len(), self.scanned.len()) {
                return;
            }
        }
    }

    fn consider(&mut self, id: Id, item: &'static Item) {
        if !self.may_be(id.file, item) {
            return;
        }
        let is_touched = self.files.contains(&id.file);
        match &item.kind {
            Kind::Call if is_touched => self.reach(id, id.file),
            Kind::Impl { of, on } => {
                let (of, on) = (of.clone(), on.clone());
                let (_, heads) = self.heads(id, of, on);
                let is_live =
                    if heads.is_empty() { is_touched } else { heads.iter().all(|head| self.live.contains(head)) };
                if is_live {
                    self.reach(id, id.file);
                    self.members(id, item);
                }
            }
            Kind::Trait(_) | Kind::Macro(_) if self.live.contains(&id) => self.members(id, item),
            Kind::Use(all) if is_touched => {
                for (number, import) in all.iter().enumerate() {
                    if import.name == "*" || self.brings_methods(id.file, &import.name) {
                        self.imports.insert((id, number));
                        self.named(id.file, &[&import.name], Via { by: Some(id.file), is_call: false });
                    }
                }
            }
            Kind::Named(_) | Kind::Trait(_) | Kind::Macro(_) | Kind::Use(_) | Kind::Call => {}
        }
    }

    /// Whether an imported name is that of a trait of which the file calls a method.
    fn brings_methods(&self, file: usize, name: &str) -> bool {
        let Some(called) = self.of_file.get(&file) else { return false };
        targets(file, name).into_iter().any(|id| {
            let item = &FILES[id.file].items[id.item];
            let is_called = |member: &Item| member.name().is_some_and(|name| called.contains(name));
            matches!(item.kind, Kind::Trait(_)) && item.members.iter().any(is_called)
        })
    }

    /// The trait of an implementation where it is the runtime's, and all items of the runtime that trait and type name.
    fn heads(&mut self, id: Id, of: Range<usize>, on: Range<usize>) -> (Option<Id>, Vec<Id>) {
        if let Some(known) = self.heads.get(&id) {
            return known.clone();
        }
        let file = &FILES[id.file];
        let start = of.start;
        let (mut of_trait, mut heads) = (None, Vec::new());
        for at in of.chain(on) {
            let Some(word) = file.word(at) else { continue };
            let is_inner = at > 1 && file.tokens[at - 1].is(b':') && file.tokens[at - 2].is(b':');
            if is_inner {
                continue;
            }
            for target in targets(id.file, word) {
                let item = &FILES[target.file].items[target.item];
                if self.has(target.file) && self.may_be(target.file, item) {
                    if at == start && matches!(item.kind, Kind::Trait(_)) {
                        of_trait = Some(target);
                    }
                    heads.push(target);
                }
            }
        }
        self.heads.insert(id, (of_trait, heads.clone()));
        (of_trait, heads)
    }

    /// Reaches the members of an item that is reached, where they are used.
    fn members(&mut self, id: Id, item: &'static Item) {
        let all = if let Kind::Impl { of, on } = &item.kind {
            let (of_trait, heads) = self.heads(id, of.clone(), on.clone());
            let is_seen = of.is_empty() && heads.iter().any(|head| self.seen.contains(head));
            is_seen || (!of.is_empty() && of_trait.is_none())
        } else {
            false
        };
        let is_macro = matches!(item.kind, Kind::Macro(_));
        for (member, code) in item.members.iter().enumerate() {
            let is_used =
                code.name().is_none_or(|name| self.members.contains(name) || (is_macro && self.words.contains(name)));
            if !(all || is_used) || !self.may_be(id.file, code) {
                continue;
            }
            let member = Id { member: Some(member), ..id };
            self.reach(member, id.file);
            // What a macro makes is read in the scope of those who call it.
            let callers = self.callers.get(&id).cloned().unwrap_or_default();
            self.open.extend(callers.into_iter().map(|by| (member, by)).filter(|open| !self.scanned.contains(open)));
        }
    }
}

/// Tokens of an emitted file.
struct Root<'t> {
    text: &'t str,
    tokens: &'t [Token],
}

impl<'t> Root<'t> {
    fn str(&self, at: usize) -> &'t str {
        self.tokens.get(at).map_or("", |t| &self.text[t.range()])
    }

    /// Whether `::` stands here.
    fn is_path(&self, at: usize) -> bool {
        self.str(at) == ":" && self.str(at + 1) == ":"
    }

    /// The paths of a tree that begins at a token.
    fn paths(&self, at: &mut usize) -> Vec<Vec<String>> {
        let mut path = Vec::new();
        while !self.str(*at).is_empty() {
            if self.str(*at) == "{" {
                *at += 1;
                let mut all = Vec::new();
                while !matches!(self.str(*at), "}" | "") {
                    all.extend(self.paths(at).into_iter().map(|rest| [path.clone(), rest].concat()));
                    *at += usize::from(self.str(*at) == ",");
                }
                *at += 1;
                return all;
            }
            path.push(self.str(*at).to_string());
            *at += 1;
            if !self.is_path(*at) {
                break;
            }
            *at += 2;
        }
        vec![path]
    }
}
