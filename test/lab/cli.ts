/** Launches the command from its present source, in a child process that ends when its parent does. */
type Main = (argv: string[], env: NodeJS.ProcessEnv) => Promise<number>;

process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.channel?.unref();

const { main } = (await import(new URL('../../src/cli.ts', import.meta.url).href)) as { main: Main };
process.exitCode = await main(process.argv.slice(2), process.env);
