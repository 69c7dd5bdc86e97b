const whole = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
});

/** A count: `12,345`. */
export const count = (number) => whole.format(number);

/** A measured value with three digits: `1.25`, `12,300`. */
export const measure = (number) => (number >= 100 ? whole.format(Math.round(number)) : short.format(number));

/** `1 session`, `2 sessions`. */
export const plural = (number, noun) => `${count(number)} ${noun}${number === 1 ? '' : 's'}`;

/** Bytes with their unit: `12.5 KiB`. */
export function bytes(number) {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  const at = number < 1 ? 0 : Math.min(Math.floor(Math.log2(number) / 10), units.length - 1);
  return `${measure(number / 1024 ** at)} ${units[at]}`;
}

/** The time of day on this device. */
export const time = (at) => clock.format(at);

/** JSON as text, cut where it is long. */
export function shownJson(value, most = 2_000) {
  const text = JSON.stringify(value) ?? 'null';
  return text.length > most ? `${text.slice(0, most)} … (${plural(text.length, 'character')})` : text;
}
