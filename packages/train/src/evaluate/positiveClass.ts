// "no" needs its separator, so that "normal", "nodule" or "nonunion" against "healthy" aren't read as negations by accident.
const NEGATED = /^(?:(?:not|no|without)[\s_-]|non[\s_-]?)/;
const NEGATIVE_WORDS = new Set(["normal", "negative", "healthy", "control", "intact", "benign"]);

/**
 * Which of two classes is the positive one (the finding), by its index:
 *
 * 1. the class that the caller names;
 * 2. otherwise, where exactly one of the names says that something is absent, the other one. A name says so if it
 *    begins with "not ", "no ", "without " or "non" (also with `_` or `-`), puts "un" or "in" before the other name, or is one of
 *    normal, negative, healthy, control, intact, benign. So "fractured" is positive beside "not fractured";
 * 3. otherwise the second one, index 1, as in scikit-learn.
 */
export function positiveClassOf(classes: readonly [string, string]): 0 | 1 {
  const first = saysAbsent(classes[0], classes[1]);
  const second = saysAbsent(classes[1], classes[0]);
  return second && !first ? 0 : 1;
}

function saysAbsent(name: string, other: string): boolean {
  const text = name.trim().toLowerCase();
  const rival = other.trim().toLowerCase();
  return NEGATED.test(text) || NEGATIVE_WORDS.has(text) || text === `un${rival}` || text === `in${rival}`;
}
