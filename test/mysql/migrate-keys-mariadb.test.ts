// Keys go from the binlog into SQL and back: a type that is carried wrongly anywhere loses rows, or brings dead ones back.
// For every type, writers insert, change, delete, move keys and swap unique values while the real migrator copies.
import { testKeys } from './migrate-keys.ts';

testKeys('mariadb');
