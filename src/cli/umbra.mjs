#!/usr/bin/env node
// Plain JavaScript without packages: a Node that cannot run TypeScript, or a clone without packages, hears a sentence
// instead of a loader's error.
if (!process.features.typescript) {
  giveUp(
    `this is Node ${process.versions.node}; umbra needs 22.18 or newer`,
    'In the project, "npx umbra" and "npm run …" bring the right Node once "npm install" has run.',
  );
}
try {
  const { keepCompiled } = await import('../local/compile-cache.mjs');
  keepCompiled(process.env);
  await import('./main.ts');
} catch (error) {
  if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  giveUp(`the packages of the project are not complete: ${error.message.split('\n', 1)[0]}`, 'Run "npm install".');
}

function giveUp(message, remedy) {
  process.stderr.write(`umbra: ${message}\n  → ${remedy}\n`);
  process.exit(70);
}
