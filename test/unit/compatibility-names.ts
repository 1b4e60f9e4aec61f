/** The surface of gh-ost as of August 2026, by its names only: what docs/compatibility.md has to answer for. */

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/** Its flags, without dashes. */
export const ghostFlags = words(`
   host port user password ask-pass conf master-user master-password assume-master-host mysql-timeout charset ssl ssl-ca ssl-cert
   ssl-key ssl-allow-insecure database table alter execute allow-on-master allow-master-master test-on-replica
   test-on-replica-skip-replica-stop migrate-on-replica assume-rbr switch-to-rbr gtid replica-server-id
   binlogsyncer-max-reconnect-attempts attempt-instant-ddl storage-engine exact-rowcount concurrent-rowcount chunk-size
   dml-batch-size nice-ratio default-retries max-lag-millis throttle-control-replicas throttle-query throttle-http
   throttle-http-interval-millis throttle-http-timeout-millis ignore-http-errors throttle-flag-file throttle-additional-flag-file
   max-load critical-load critical-load-interval-millis critical-load-hibernate-seconds replication-lag-query
   heartbeat-interval-millis cut-over cut-over-lock-timeout-seconds cut-over-exponential-backoff exponential-backoff-max-interval
   postpone-cut-over-flag-file panic-flag-file force-named-cut-over force-named-panic analyze-ghost-table-before-cutover
   allow-setup-metadata-lock-instruments skip-metadata-lock-check ok-to-drop-table initially-drop-old-table
   initially-drop-ghost-table timestamp-old-table force-table-names allow-nullable-unique-key approve-renamed-columns
   skip-renamed-columns discard-foreign-keys skip-foreign-key-checks include-triggers trigger-suffix
   remove-trigger-suffix-if-exists skip-strict-mode allow-zero-in-date panic-on-warnings checkpoint checkpoint-seconds resume
   revert old-table initially-drop-socket-file serve-socket-file serve-tcp-port hooks-path hooks-hint hooks-hint-owner
   hooks-hint-token hooks-status-interval skip-port-validation statsd-addr statsd-tags runtime-metrics-interval tungsten
   aliyun-rds gcp azure verbose debug quiet stack help version check-flag`);

/** The commands of its socket, with their aliases. */
export const ghostCommands = words(`
   help sup status info coordinates applier inspector chunk-size dml-batch-size max-lag-millis nice-ratio max-load critical-load
   throttle-query throttle-http throttle-control-replicas throttle pause suspend no-throttle unthrottle resume continue
   postpone-cut-over-flag-file unpostpone no-postpone cut-over panic cpu-profile replication-lag-query`);

/** Its hooks. */
export const ghostHooks = words(`
   gh-ost-on-startup gh-ost-on-validated gh-ost-on-rowcount-complete gh-ost-on-before-row-copy gh-ost-on-batch-copy-retry
   gh-ost-on-status gh-ost-on-interactive-command gh-ost-on-row-copy-complete gh-ost-on-before-cut-over gh-ost-on-begin-postponed
   gh-ost-on-stop-replication gh-ost-on-start-replication gh-ost-on-success gh-ost-on-failure`);
