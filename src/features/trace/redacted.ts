const secretName =
  /token|secret|passw|passphrase|credential|authori[sz]ation|authenticat|^auth$|cookie|api[-_]?key|client[-_]?id/i;

const redacted = '<redacted>';

/**
 * A copy of a message as JSON carries it, fit for a log: nothing that stands under a name such as `clientId`, `auth` or `token`, at
 * any depth, nor one of these secrets inside another text. A secret consists of letters and digits.
 */
export function redactedCopy(message: object, secrets: readonly string[]): unknown {
  let text = JSON.stringify(message, (name, value) => (secretName.test(name) ? redacted : value));
  for (const secret of secrets) text = text.replaceAll(secret, redacted);
  return JSON.parse(text);
}
