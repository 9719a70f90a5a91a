//! Every target runs on stable: over the corpus, and over random bytes.

use std::{fs, io, path::PathBuf};

use conduit_fuzz::TARGETS;

fn corpus(target: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "corpus", target].iter().collect()
}

#[test]
fn the_corpus_has_no_finding() -> io::Result<()> {
    for (name, target) in TARGETS {
        let mut seeds = 0;
        for file in fs::read_dir(corpus(name))? {
            target(&fs::read(file?.path())?);
            seeds += 1;
        }
        assert!(seeds > 0, "{name} has no seeds");
    }
    Ok(())
}

#[test]
fn random_bytes_have_no_finding() {
    for (name, target) in TARGETS {
        let rounds = if name == "pair" { 300 } else { 3000 };
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..rounds {
            let size = rng.usize(..300);
            let most = [16, 255][rng.usize(..2)];
            let data: Vec<u8> = (0..size).map(|_| rng.u8(..=most)).collect();
            target(&data);
        }
    }
}

#[test]
fn changed_seeds_have_no_finding() -> io::Result<()> {
    for (name, target) in TARGETS {
        let rounds = if name == "pair" { 8 } else { 100 };
        let mut rng = fastrand::Rng::with_seed(2);
        for file in fs::read_dir(corpus(name))? {
            let seed = fs::read(file?.path())?;
            for _ in 0..rounds {
                let mut data = seed.clone();
                for _ in 0..rng.usize(..4) {
                    let at = rng.usize(..=data.len());
                    match data.get_mut(at) {
                        Some(byte) => *byte = rng.u8(..),
                        None => data.push(rng.u8(..)),
                    }
                }
                target(&data);
            }
        }
    }
    Ok(())
}
