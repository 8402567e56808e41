//! The search with costs that are known: no model is made.

use zant_compress::Outcome;
use zant_compress::fit::{Aim, Cost, Limits, Recipe, Trials, Tried, search, usual_finishes};

/// Flash falls with the channels and the finish; so does the value.
struct Known(usize);

fn cost(recipe: &Recipe) -> Cost {
    let flash = 100 * (100 - recipe.percent as usize) / if recipe.finish.is_empty() { 1 } else { 4 };
    Cost { flash, ram: 10, macs: 10 }
}

impl Trials for Known {
    fn shrinks(&self) -> bool {
        true
    }
    fn sketch(&mut self, recipe: &Recipe) -> Outcome<Cost> {
        Ok(cost(recipe))
    }
    fn attempt(&mut self, recipe: &Recipe) -> Outcome<Tried> {
        self.0 += 1;
        let value = 1.0 - f64::from(recipe.percent) / 200.0 - 0.001 * recipe.finish.len() as f64;
        Ok(Tried { recipe: recipe.clone(), cost: cost(recipe), value, whole: None })
    }
    fn confirm(&mut self, tried: &Tried) -> Outcome<Tried> {
        Ok(Tried { whole: Some(tried.value), ..tried.clone() })
    }
    fn next(&mut self, _: usize, _: usize, _: &str) {}
}

fn aim(flash: usize, least: Option<f64>) -> Aim {
    let limits = Limits { flash: Some(flash), ..Limits::default() };
    Aim { limits, least, higher: true, finishes: usual_finishes().unwrap() }
}

#[test]
fn the_fewest_channels_go_that_must() {
    let mut trials = Known(0);
    let found = search(&aim(2000, None), &mut trials).unwrap();
    let best = &found.tried[found.best.unwrap()];
    assert_eq!((best.recipe.percent, best.cost.flash, best.recipe.finish.len()), (20, 2000, 1));
    // Each once, and nothing behind the removal of so many channels that it alone is worse.
    assert_eq!(trials.0, found.tried.len());
    assert!(found.tried.iter().all(|t| t.recipe.percent < 80 || t.recipe.finish.is_empty()));
}

#[test]
fn what_comes_nearest_is_named() {
    let found = search(&aim(10, None), &mut Known(0)).unwrap();
    assert_eq!((found.best, found.nearest.unwrap().1.flash), (None, 250));
    let found = search(&aim(2000, Some(0.95)), &mut Known(0)).unwrap();
    assert_eq!((found.best, found.nearest.unwrap().1.flash), (None, 2000));
}
