// Numbers, times and sentences as people read them.

/** Seconds in words: "8 s", "3 min", "1 h 20 min". */
export function lasting(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Square metres in words. */
export function areaWords(m2) {
  return m2 < 1e6 ? `${(m2 / 1e4).toFixed(m2 < 1e5 ? 1 : 0)} ha` : `${(m2 / 1e6).toFixed(m2 < 1e7 ? 2 : 1)} km²`;
}

/** "1 photo", "1,204 photos". */
export function counted(count, word, many = `${word}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? word : many}`;
}

/** Words as a sentence: a capital first, a stop last. */
export function sentence(text) {
  return text ? `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}` : "";
}

/** "a person", "an object". */
export function withArticle(word) {
  return `${/^[aeiou]/.test(word) ? "an" : "a"} ${word}`;
}

const day = (iso) => iso.slice(0, 10);
const time = (iso) => iso.slice(11, 19);

/** A moment (ISO 8601, UTC) as "2026-11-22 18:16:05 UTC". */
export function moment(iso) {
  return iso === null ? "unknown" : `${day(iso)} ${time(iso)} UTC`;
}

/** From one moment to another; the day is said once where it is the same. */
export function span(first, last) {
  if (last === null || last === first) return moment(first);
  return `${day(first)} ${time(first)} to ${day(last) === day(first) ? `${time(last)} UTC` : moment(last)}`;
}
