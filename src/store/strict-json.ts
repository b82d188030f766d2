/**
 * JSON.parse that refuses an object with the same key twice, of which JSON.parse would silently
 * keep the last: two readers must not see two different files.
 * @throws SyntaxError
 */
export function parseStrict(text: string): unknown {
  const value: unknown = JSON.parse(text);
  // The text is valid JSON, so strings and brackets are all that has to be told apart.
  const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;
  const open: (Set<string> | null)[] = []; // the keys of each open object; null for an array
  let name: string | null = null;
  for (let match = tokens.exec(text); match !== null; match = tokens.exec(text)) {
    const token = match[0];
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(null);
    else if (token === '}' || token === ']') open.pop();
    else if (token === ':') claim(open.at(-1), name ?? '');
    else if (token !== ',') name = token;
  }
  return value;
}

function claim(keys: Set<string> | null | undefined, name: string): void {
  // Parsed, because "a" and "\u0061" are the same key.
  const key = JSON.parse(name) as string;
  if (keys?.has(key)) throw new SyntaxError(`the key ${JSON.stringify(key)} stands there twice`);
  keys?.add(key);
}
