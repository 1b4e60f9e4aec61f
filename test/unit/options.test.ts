import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../src/base/errors.ts';
import { liveSettings } from '../../src/ops/live-settings.ts';
import { type OptionName, optionGroups, options } from '../../src/ops/options.ts';
import { type ParsedOptions, parseOptions } from '../../src/ops/parse-options.ts';
import { helpText } from '../../src/ops/program.ts';
import { targetOf } from '../../src/ops/target.ts';

const parse = (...argv: string[]): ParsedOptions => parseOptions(['--alter', 'ADD x INT', ...argv], {});

function refusal(...argv: string[]): UsageError {
  try {
    parseOptions(argv, {});
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    assert.equal(error.exitCode, 2);
    return error;
  }
  return assert.fail(`accepted: ${argv.join(' ')}`);
}

test('defaults are those of gh-ost, where they are not said to be ours', () => {
  const { host, port, chunkSize, dmlBatchSize, maxLagMillis, defaultRetries, cutOver, ssl, conf } = parse();
  assert.deepEqual(
    { host, port, chunkSize, dmlBatchSize, maxLagMillis, defaultRetries, cutOver, ssl, conf },
    {
      host: '127.0.0.1',
      port: 3306,
      chunkSize: null,
      dmlBatchSize: null,
      maxLagMillis: 1500,
      defaultRetries: 60,
      cutOver: 'atomic',
      ssl: false,
      conf: null,
    },
  );
});

test('an option may be spelled in all the ways of a Go flag', () => {
  for (const argv of [['-host', 'x'], ['--host', 'x'], ['-host=x'], ['--host=x']])
    assert.equal(parse(...argv).host, 'x', argv.join(' '));
  for (const argv of [['-execute'], ['--execute'], ['--execute=true'], ['-execute=1'], ['--execute=T']])
    assert.equal(parse(...argv).execute, true, argv.join(' '));
  for (const word of ['false', '0', 'f', 'F', 'False', 'FALSE'])
    assert.equal(parse('--execute', `--execute=${word}`).execute, false, word);
  assert.equal(parse('--port=0x10').port, 16);
});

test('of an option that is given twice the last one counts', () => {
  assert.equal(parse('--chunk-size=100', '-chunk-size', '200').chunkSize, 200);
  assert.equal(parse('--alter', 'DROP y').alter, 'DROP y');
});

test('a value may look like a flag, hold "=" and line breaks, or be empty', () => {
  assert.equal(parse('--user', '--host').user, '--host');
  assert.equal(
    parse('--alter', 'ADD x INT COMMENT "a=b"\n, DROP y').alter,
    'ADD x INT COMMENT "a=b"\n, DROP y',
  );
  assert.equal(parse('--throttle-flag-file=').throttleFlagFile, null);
  assert.equal(parse('--throttle-additional-flag-file=').throttleAdditionalFlagFile, null);
  assert.equal(parse('--user=').user, '');
});

test('what is no option is refused with the nearest name', () => {
  assert.match(refusal('--hots', 'x').message, /unknown option '--hots'/);
  assert.match(refusal('--hots', 'x').hint ?? '', /--host/);
  assert.match(refusal('--chunksize=5').hint ?? '', /--chunk-size/);
  assert.match(refusal('execute').message, /unexpected argument "execute"/);
  assert.match(refusal('--host').message, /--host needs a value/);
});

test('a switch with its value after a space is refused, not taken for true', () => {
  const { message, hint } = refusal('--execute', 'false');
  assert.match(message, /unexpected argument "false"/);
  assert.match(hint ?? '', /--execute=false/);
});

test('numbers out of range are clamped, refused or ignored as gh-ost does', () => {
  const cases: [string, keyof ParsedOptions, number][] = [
    ['--chunk-size=1', 'chunkSize', 10],
    ['--chunk-size=1000000', 'chunkSize', 100_000],
    ['--dml-batch-size=0', 'dmlBatchSize', 1],
    ['--dml-batch-size=5000', 'dmlBatchSize', 1000],
    ['--max-lag-millis=1', 'maxLagMillis', 100],
    ['--heartbeat-interval-millis=5000', 'heartbeatIntervalMillis', 1000],
    ['--cut-over-lock-timeout-seconds=11', 'cutOverLockTimeoutSeconds', 3],
    ['--cut-over-lock-timeout-seconds=0', 'cutOverLockTimeoutSeconds', 3],
    ['--exponential-backoff-max-interval=1', 'exponentialBackoffMaxInterval', 64],
    ['--default-retries=0', 'defaultRetries', 60],
  ];
  for (const [argument, key, expected] of cases) {
    const parsed = parse(argument);
    assert.equal(parsed[key], expected, argument);
    assert.equal(parsed.notes.length, 1, argument);
    assert.equal(parsed.notes[0]?.level, 'warn');
  }
  for (const argument of [
    '--port=0',
    '--port=65536',
    '--port=x',
    '--port=1.5',
    '--mysql-timeout=-1',
    '--port=',
  ])
    assert.match(refusal(argument).message, /is a (whole )?number/, argument);
  assert.equal(parse('--mysql-timeout=2.5').mysqlTimeout, 2.5);
  assert.equal(parse('--chunk-size=auto').chunkSize, null);
  assert.deepEqual(parse('--chunk-size=500').notes, []);
});

test('options without effect are accepted with one line that says so', () => {
  const { notes } = parse('--assume-rbr', '--gcp=false', '--charset', 'utf8mb4');
  assert.equal(notes.length, 3);
  for (const { level, text } of notes)
    assert.match(`${level} ${text}`, /^info --[\w-]+ is accepted without effect: /);
});

test('options that contradict each other are refused', () => {
  const alter = ['--alter', 'ADD x INT'];
  assert.match(refusal().message, /--alter must be given/);
  assert.match(refusal('--alter', ' ').message, /--alter must be given/);
  for (const flags of [
    ['--allow-on-master', '--migrate-on-replica'],
    ['--allow-on-master', '--test-on-replica'],
    ['--migrate-on-replica', '--test-on-replica'],
    ['--test-on-replica-skip-replica-stop'],
    ['--switch-to-rbr', '--assume-rbr'],
    ['--revert'],
    ['--revert', '--old-table=_t_del', '--resume', '--execute'],
    ['--revert', '--old-table=_t_del', '--test-on-replica'],
    ['--master-user=x'],
    ['--master-password=x'],
  ])
    assert.match(
      refusal(...alter, ...flags).message,
      new RegExp(flags[0]!.replace(/=.*/, '')),
      flags.join(' '),
    );
  assert.match(refusal(...alter, '--ssl-ca=x').message, /--ssl-ca needs --ssl/);
  assert.match(refusal(...alter, '--ssl-allow-insecure').message, /needs --ssl/);
  assert.match(refusal(...alter, '--ssl', '--ssl-cert=x').message, /go together/);
  assert.match(refusal(...alter, '--include-triggers').message, /go together/);
  assert.match(refusal(...alter, '--trigger-suffix=_x').message, /go together/);
  assert.match(refusal(...alter, '--include-triggers', '--trigger-suffix=é').message, /without accents/);
  assert.match(
    refusal(...alter, '--cut-over=three').message,
    /one of atomic, two-step, locked-rename, not "three"/,
  );
  assert.equal(parse('--cut-over=default').cutOver, 'atomic');
  assert.equal(parse('--cut-over=').cutOver, 'atomic');
});

test('commands by TCP from elsewhere need a token', () => {
  const port = '--serve-tcp-port=7000';
  for (const own of ['127.0.0.1', '127.1.2.3', '::1', 'localhost'])
    assert.equal(parse(port, '--serve-tcp-address', own).serveTcpAddress, own);
  for (const wide of ['0.0.0.0', '::', '10.0.0.1', '127.example.com', '']) {
    const alter = '--alter=ADD x INT';
    assert.match(refusal(alter, port, '--serve-tcp-address', wide).message, /needs --serve-tcp-token/, wide);
    assert.equal(parse(port, '--serve-tcp-address', wide, '--serve-tcp-token=secret').serveTcpPort, 7000);
  }
  assert.match(refusal('--alter=x', '--serve-tcp-token', 'a b').message, /a word without spaces/);
  assert.equal(parse('--serve-tcp-address=0.0.0.0').serveTcpPort, 0, 'nothing is served');
});

test('control replicas are addresses in full', () => {
  assert.deepEqual(parse('--throttle-control-replicas', ' a, b:3307 ,[::1]:3308,').throttleControlReplicas, [
    'a:3306',
    'b:3307',
    '[::1]:3308',
  ]);
  for (const bad of ['a:b', 'a:0', 'a:70000', '::1', 'a b'])
    assert.match(refusal('--throttle-control-replicas', bad).message, /host:port/, bad);
});

test('help, version and check-flag ask for nothing else to be right', () => {
  assert.equal(parseOptions(['--help'], {}).action, 'help');
  assert.equal(parseOptions(['-h'], {}).action, 'help');
  assert.equal(parseOptions(['--version', '--conf=/nowhere'], {}).action, 'version');
  assert.equal(parseOptions(['--check-flag', '--ssl-ca=x'], {}).action, 'check');
  assert.match(refusal('--check-flag', '--port=x').message, /--port/);
  assert.match(refusal('--check-flag', '--nope').message, /unknown option/);
});

test('help shows every option under its group, in lines of a terminal', () => {
  const help = helpText();
  for (const title of Object.keys(optionGroups)) assert.ok(help.includes(`\n${title}:\n`), title);
  for (const name of options.keys()) assert.ok(help.includes(`  --${name} `), name);
  for (const line of help.split('\n')) assert.ok(line.length <= 112, line);
});

test('no option is in two groups', () => {
  const names = Object.values(optionGroups).flatMap((group) => Object.keys(group));
  assert.equal(new Set(names).size, names.length);
  assert.equal(options.size, names.length);
});

test('the live settings start with what the options say', () => {
  const parsed = parse('--dml-batch-size=50', '--postpone-cut-over-flag-file=/tmp/p');
  assert.deepEqual(liveSettings(parsed), {
    chunkRows: null,
    batchKeys: 50,
    maxLagMs: 1500,
    throttleControlReplicas: [],
    postponeFlagFile: '/tmp/p',
    maxLoad: new Map(),
    criticalLoad: new Map(),
    niceRatio: 0,
    throttleQuery: '',
    throttleHttp: '',
  });
});

test('given tells what was said from what is assumed', () => {
  assert.deepEqual([...parse('--port=3306').given].sort(), ['alter', 'port'] satisfies OptionName[]);
});

test('the table is named by flags or by a full statement, and not by two names', () => {
  const target = (...argv: string[]) => targetOf(parseOptions(argv, {}));
  const full = 'ALTER TABLE `db`.t ADD x INT';
  assert.deepEqual(target('--alter', full), { schema: 'db', name: 't' });
  assert.deepEqual(target('--alter', 'ADD x INT', '--database=d', '--table=u'), { schema: 'd', name: 'u' });
  assert.deepEqual(target('--alter', 'ALTER TABLE t DROP x', '--database=d'), { schema: 'd', name: 't' });
  assert.throws(() => target('--alter', 'ADD x INT', '--database=d'), /--table must be given/);
  assert.throws(() => target('--alter', full, '--table=u'), /--table says u, but --alter says t/);
});
