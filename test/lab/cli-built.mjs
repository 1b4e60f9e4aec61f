/** Launches the command as it was built, in a child process that ends when its parent does. */
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.channel?.unref();

const { main } = await import(new URL('../../dist/cli.js', import.meta.url).href);
process.exitCode = await main(process.argv.slice(2), process.env);
