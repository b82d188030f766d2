/**
 * Stands where Electron keeps its own default app, in an Electron that came without one:
 * `electron [flags] [-r FILE] APP [arguments]` runs APP, a script or a folder with a package.json.
 */
const { existsSync, readFileSync, statSync } = module.require('node:fs');
const { join, resolve } = module.require('node:path');
const { app } = module.require('electron');

const args = process.argv.slice(1);
let file;
for (let at = 0; at < args.length && file === undefined; at += 1) {
  if (args[at] === '-v' || args[at] === '--version') {
    process.stdout.write(`v${process.versions.electron}\n`);
    process.exit(0);
  } else if (args[at] === '-r' || args[at] === '--require') {
    module.require(resolve(args[(at += 1)]));
  } else if (!args[at].startsWith('-')) {
    file = resolve(args[at]);
  }
}

if (file === undefined || !existsSync(file)) {
  process.stderr.write(`There is no application at ${file ?? 'the end of the command line'}.\n`);
  process.exit(1);
}
if (statSync(file).isDirectory()) {
  const { main, name, productName, version } = JSON.parse(
    readFileSync(join(file, 'package.json'), 'utf8'),
  );
  app.setAppPath(file);
  app.setName(productName ?? name);
  app.setVersion(version);
  file = join(file, main ?? 'index.js');
}
module.require(file);
