//! What `zantc compile` does to folders that have something in them, and that a folder is one model or the other whenever it is killed.

#![cfg(unix)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use sha2::{Digest, Sha256};

fn model(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models").join(name).join(format!("{name}.onnx"));
    fs::canonicalize(path).unwrap().to_string_lossy().into_owned()
}

/// Runs the binary in a folder; its exit code and what it said on stderr.
fn zantc(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_zantc")).args(args).current_dir(folder).output();
    let Output { status, stderr, .. } = run.expect("the binary starts");
    (status.code(), String::from_utf8(stderr).unwrap())
}

fn good(folder: &Path, args: &[&str]) -> String {
    let (code, said) = zantc(folder, args);
    assert_eq!(code, Some(0), "{args:?}: {said}");
    said
}

fn refused(folder: &Path, args: &[&str]) -> String {
    let (code, said) = zantc(folder, args);
    assert_eq!(code, Some(1), "{args:?}: {said}");
    assert!(said.contains("ZA0402"), "{said}");
    said
}

/// Every file below a folder with its bytes; links with where they lead.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(dir) = open.pop() {
        for path in fs::read_dir(&dir).unwrap().map(|e| e.unwrap().path()) {
            let meta = fs::symlink_metadata(&path).unwrap();
            let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
            if meta.is_dir() {
                open.push(path);
            } else if meta.is_symlink() {
                found.insert(name, fs::read_link(&path).unwrap().to_string_lossy().into_owned().into_bytes());
            } else {
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// What `cargo init` leaves, and some work.
fn project(folder: &Path) {
    for (name, text) in [
        ("Cargo.toml", "[package]\nname = \"mine\"\n"),
        ("README.md", "my words\n"),
        ("src/lib.rs", "pub fn mine() {}\n"),
        ("src/rt/extra.rs", "// work of a week\n"),
        (".git/HEAD", "ref: refs/heads/main\n"),
    ] {
        fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        fs::write(folder.join(name), text).unwrap();
    }
}

/// The files that a crate's `zant.json` lists, all of which have the content that it says.
fn listed(folder: &Path) -> BTreeSet<String> {
    let manifest: Value = serde_json::from_slice(&fs::read(folder.join("zant.json")).unwrap()).unwrap();
    let list = manifest["files"].as_object().expect("it lists its files");
    for (name, hash) in list {
        let bytes = fs::read(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let found: String = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(Some(found.as_str()), hash.as_str(), "{name} is of another model");
    }
    list.keys().cloned().chain(["zant.json".to_string()]).collect()
}

/// Names in a folder that zantc makes for a while.
fn areas(folder: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    all.filter(|p| p.file_name().unwrap().to_string_lossy().starts_with(".zantc-")).collect()
}

#[test]
fn somebodys_project_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mine = dir.path().join("mine");
    project(&mine);
    let before = files(&mine);
    refused(&mine, &["compile", &model("digits"), "-o", "."]);
    refused(dir.path(), &["compile", &model("digits"), "-o", "mine"]);
    symlink("mine", dir.path().join("link")).unwrap();
    refused(dir.path(), &["compile", &model("digits"), "-o", "link"]);
    // The default folder of a model with this name is the project's own.
    fs::copy(model("digits"), mine.join("src.onnx")).unwrap();
    refused(&mine, &["compile", "src.onnx"]);
    fs::remove_file(mine.join("src.onnx")).unwrap();
    // Another's file of this name does not make the folder ours.
    for foreign in ["{}", "[1]", "{\"zantc\": \"0.1.0\"}", "no json", ""] {
        fs::write(mine.join("zant.json"), foreign).unwrap();
        refused(dir.path(), &["compile", &model("digits"), "-o", "mine"]);
    }
    fs::remove_file(mine.join("zant.json")).unwrap();
    assert_eq!(files(&mine), before);
    assert_eq!(areas(dir.path()), [] as [PathBuf; 0]);
    let (code, _) = zantc(dir.path(), &["compile", &model("digits"), "-o", "mine/README.md"]);
    assert_eq!((code, files(&mine)), (Some(1), before));
}

#[test]
fn insisting_keeps_files_of_other_names() {
    let dir = tempfile::tempdir().unwrap();
    let mine = dir.path().join("mine");
    project(&mine);
    good(dir.path(), &["compile", &model("digits"), "-o", "mine", "--force"]);
    let after = files(&mine);
    assert_eq!(after["src/rt/extra.rs"], b"// work of a week\n");
    assert_eq!(after[".git/HEAD"], b"ref: refs/heads/main\n");
    assert!(listed(&mine).contains("src/lib.rs"));
    assert_eq!(areas(dir.path()), [] as [PathBuf; 0]);
}

#[test]
fn a_new_model_replaces_the_old_one_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let net = dir.path().join("net");
    good(dir.path(), &["compile", &model("digits"), "-o", "net", "--name", "net"]);
    let first = listed(&net);
    for (name, text) in
        [("target/debug/net", "built"), ("src/notes.txt", "notes"), ("Cargo.lock", "lock"), ("src/rt/mine.rs", "")]
    {
        fs::create_dir_all(net.join(name).parent().unwrap()).unwrap();
        fs::write(net.join(name), text).unwrap();
    }
    fs::create_dir(net.join("empty")).unwrap();
    let victim = dir.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, net.join("Cargo.toml.zantc-new")).unwrap();
    symlink(&victim, net.join("weights.bin.zantc-new")).unwrap();
    let id = |path: &str| fs::metadata(net.join(path)).map(|m| (m.ino(), m.mtime(), m.mtime_nsec())).unwrap();
    let before = ["target/debug/net", "src/notes.txt", "src/rt/error.rs", "Cargo.toml"]
        .map(|p| net.join(p).exists().then(|| id(p)));
    good(dir.path(), &["compile", &model("digits_int8"), "-o", "net", "--name", "net"]);
    let second = listed(&net);
    assert_ne!(first, second);
    let there: BTreeSet<String> = files(&net).into_keys().collect();
    let mine = [
        "target/debug/net",
        "src/notes.txt",
        "Cargo.lock",
        "src/rt/mine.rs",
        "Cargo.toml.zantc-new",
        "weights.bin.zantc-new",
    ];
    let expected: BTreeSet<String> = second.iter().cloned().chain(mine.map(String::from)).collect();
    assert_eq!(there, expected, "files of the old model go, the user's stay");
    assert!(net.join("empty").is_dir());
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    // Neither the user's files nor those of ours that are the same are new ones.
    let after = ["target/debug/net", "src/notes.txt", "src/rt/error.rs", "Cargo.toml"]
        .map(|p| net.join(p).exists().then(|| id(p)));
    assert_eq!((before[0], before[1], before[3]), (after[0], after[1], after[3]));
    assert_eq!(areas(dir.path()), [] as [PathBuf; 0]);
}

#[test]
fn what_the_user_changed_in_a_crate_is_not_lost() {
    let dir = tempfile::tempdir().unwrap();
    let net = dir.path().join("net");
    good(dir.path(), &["compile", &model("digits"), "-o", "net"]);
    fs::write(net.join("src/lib.rs"), "// mine now\n").unwrap();
    let said = refused(dir.path(), &["compile", &model("digits"), "-o", "net"]);
    assert!(said.contains("src/lib.rs"), "{said}");
    good(dir.path(), &["compile", &model("digits"), "-o", "net", "--force"]);
    listed(&net);
    // A file of the user's where the next model has one.
    good(dir.path(), &["compile", &model("digits_int8"), "-o", "other"]);
    let fresh = listed(&dir.path().join("other")).difference(&listed(&net)).next().cloned().expect("models differ");
    fs::create_dir_all(net.join(&fresh).parent().unwrap()).unwrap();
    fs::write(net.join(&fresh), "mine").unwrap();
    let said = refused(dir.path(), &["compile", &model("digits_int8"), "-o", "net", "--name", "digits"]);
    assert!(said.contains(&fresh), "{said}");
    assert_eq!(fs::read(net.join(&fresh)).unwrap(), b"mine");
}

#[test]
fn a_list_of_files_from_elsewhere_removes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let net = dir.path().join("net");
    good(dir.path(), &["compile", &model("digits"), "-o", "net"]);
    fs::write(dir.path().join("victim.rs"), "precious").unwrap();
    fs::write(net.join("notes.txt"), "precious").unwrap();
    let hash: String = Sha256::digest(b"precious").iter().map(|b| format!("{b:02x}")).collect();
    let mut manifest: Value = serde_json::from_slice(&fs::read(net.join("zant.json")).unwrap()).unwrap();
    let absolute = dir.path().join("victim.rs").to_string_lossy().into_owned();
    for path in ["../victim.rs", "src/../../victim.rs", absolute.as_str(), "notes.txt", "src/../notes.txt"] {
        manifest["files"][path] = hash.clone().into();
    }
    fs::write(net.join("zant.json"), manifest.to_string()).unwrap();
    good(dir.path(), &["compile", &model("digits_int8"), "-o", "net", "--name", "digits"]);
    assert_eq!(fs::read(dir.path().join("victim.rs")).unwrap(), b"precious");
    assert_eq!(fs::read(net.join("notes.txt")).unwrap(), b"precious");
}

#[test]
fn a_link_to_a_crate_stays_a_link_and_a_folder_can_be_replaced_from_within() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("net")).unwrap();
    symlink("net", dir.path().join("link")).unwrap();
    good(dir.path(), &["compile", &model("digits"), "-o", "link", "--name", "net"]);
    assert!(fs::symlink_metadata(dir.path().join("link")).unwrap().is_symlink());
    listed(&dir.path().join("net"));
    let said = good(&dir.path().join("net"), &["compile", &model("digits_int8"), "-o", ".", "--name", "net"]);
    assert!(said.contains("enter it again"), "{said}");
    listed(&dir.path().join("net"));
    symlink("nowhere", dir.path().join("dangling")).unwrap();
    assert_eq!(zantc(dir.path(), &["compile", &model("digits"), "-o", "dangling"]).0, Some(1));
    assert!(!dir.path().join("nowhere").exists());
}

#[test]
fn a_module_goes_beside_what_is_there_and_over_nothing() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("main.rs"), "fn main() {}\n").unwrap();
    fs::copy(model("digits"), dir.path().join("main.onnx")).unwrap();
    let args = ["compile", "main.onnx", "--emit", "module", "-o", ".", "--name", "main"];
    let (code, said) = zantc(dir.path(), &args);
    assert!(matches!(code, Some(1 | 2)), "{said}");
    fs::write(dir.path().join("net.rs"), "mod mine;\n").unwrap();
    refused(dir.path(), &["compile", "main.onnx", "--emit", "module", "-o", ".", "--name", "net"]);
    assert_eq!(fs::read(dir.path().join("main.rs")).unwrap(), b"fn main() {}\n");
    assert_eq!(fs::read(dir.path().join("net.rs")).unwrap(), b"mod mine;\n");
    for name in ["digits", "digits_int8", "digits"] {
        good(dir.path(), &["compile", &model(name), "--emit", "module", "-o", ".", "--name", "nn"]);
        whole_module(dir.path());
        let blobs = files(dir.path()).into_keys().filter(|n| n.ends_with(".bin")).count();
        assert_eq!(blobs, 1, "constants of the model before are gone");
    }
    let (code, said) = zantc(dir.path(), &["compile", "main.onnx", "--emit", "ir", "-o", "main.onnx"]);
    assert_eq!(code, Some(2), "{said}");
    assert_eq!(fs::read(dir.path().join("main.onnx")).unwrap(), fs::read(model("digits")).unwrap());
}

/// Checks that the module `nn` includes constants that are there and are those that it was made with.
fn whole_module(folder: &Path) {
    let text = fs::read_to_string(folder.join("nn.rs")).unwrap();
    let (_, name) = text.split_once("include_bytes!(\"").expect("it includes its constants");
    let name = name.split('"').next().unwrap();
    let blob = fs::read(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    let hash: String = Sha256::digest(&blob).iter().take(8).map(|b| format!("{b:02x}")).collect();
    assert_eq!(name, format!("nn-{hash}.bin"));
    assert!(text.ends_with("}\n"));
}

/// A generator of instants: xorshift, from a fixed seed.
struct Instants(u64);

impl Instants {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit.max(1)
    }
}

/// Kills per form: enough for every commit, or as many as `ZANT_KILLS` says.
fn kills() -> u64 {
    std::env::var("ZANT_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(60)
}

/// Runs the compiler on two models in turns and kills it: at any instant, or soon after it has begun to write.
fn kill_often(folder: &Path, form: &[&str], seed: u64, check: &dyn Fn(&Path)) {
    let models = [model("digits"), model("digits_int8")];
    let args = |m: &str| {
        ["compile", m, "-o", "net", "--name", "nn"].iter().chain(form).map(|s| (*s).to_string()).collect::<Vec<_>>()
    };
    let run = |m: &str| {
        let args = args(m);
        good(folder, &args.iter().map(String::as_str).collect::<Vec<_>>());
    };
    let start = Instant::now();
    run(&models[0]);
    let whole = start.elapsed();
    let mut instants = Instants(seed);
    let mut killed = 0;
    for n in 0..kills() {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zantc"));
        command
            .args(args(&models[(n % 2 == 0) as usize]))
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let before: BTreeSet<PathBuf> = areas(folder).into_iter().collect();
        let mut child = command.spawn().unwrap();
        if n % 4 == 0 {
            std::thread::sleep(Duration::from_micros(instants.below(whole.as_micros() as u64 * 11 / 10)));
        } else {
            let place = if folder.join("net/zant.json").exists() { folder.to_path_buf() } else { folder.join("net") };
            let begun = || areas(&place).into_iter().any(|a| !before.contains(&a));
            while !begun() && child.try_wait().unwrap().is_none() {
                std::hint::spin_loop();
            }
            std::thread::sleep(Duration::from_micros(instants.below(12_000)));
        }
        killed += u64::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        check(&folder.join("net"));
    }
    println!("{killed} of {} runs were killed before their end", kills());
    assert!(killed * 4 >= kills(), "most runs ended before they were killed: {killed}");
    run(&models[1]);
    check(&folder.join("net"));
}

#[test]
fn a_killed_run_leaves_one_model_or_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let net = dir.path().join("net");
    good(dir.path(), &["compile", &model("digits"), "-o", "net", "--name", "nn"]);
    let mine = [(".git/HEAD", "ref"), ("target/x/y", "built"), ("src/rt/notes.txt", "notes"), ("Cargo.lock", "lock")];
    for (name, text) in mine {
        fs::create_dir_all(net.join(name).parent().unwrap()).unwrap();
        fs::write(net.join(name), text).unwrap();
    }
    let check = |net: &Path| {
        let found = files(net);
        let mut expected = listed(net);
        for (name, text) in mine {
            assert_eq!(found.get(name).map(Vec::as_slice), Some(text.as_bytes()), "{name}");
            expected.insert(name.to_string());
        }
        assert_eq!(found.into_keys().collect::<BTreeSet<_>>(), expected);
    };
    kill_often(dir.path(), &[], 0x5EED, &check);
    assert_eq!(areas(dir.path()), [] as [PathBuf; 0], "the last run takes away what others left");
}

#[test]
fn a_killed_run_leaves_a_whole_module() {
    let dir = tempfile::tempdir().unwrap();
    good(dir.path(), &["compile", &model("digits"), "-o", "net", "--name", "nn", "--emit", "module"]);
    kill_often(dir.path(), &["--emit", "module"], 0xB10B, &whole_module);
    assert_eq!(areas(&dir.path().join("net")), [] as [PathBuf; 0], "the last run takes away what others left");
}

#[test]
fn a_crate_that_was_put_aside_comes_back() {
    // As a run leaves it that is killed between the two steps of a file system without an exchange.
    let dir = tempfile::tempdir().unwrap();
    good(dir.path(), &["compile", &model("digits"), "-o", "net", "--name", "nn"]);
    fs::write(dir.path().join("net/notes.txt"), "mine").unwrap();
    let area = dir.path().join(".zantc-abcdefABCDEF");
    fs::create_dir_all(area.join("new-net/src")).unwrap();
    fs::write(area.join("new-net/src/lib.rs"), "half").unwrap();
    fs::set_permissions(&area, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    fs::rename(dir.path().join("net"), area.join("old-net")).unwrap();
    good(dir.path(), &["compile", &model("digits_int8"), "-o", "net", "--name", "nn"]);
    listed(&dir.path().join("net"));
    assert_eq!(fs::read(dir.path().join("net/notes.txt")).unwrap(), b"mine");
    assert!(!area.exists());
}
