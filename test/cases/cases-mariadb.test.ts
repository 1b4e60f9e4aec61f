// The case folders of fixtures/cases on a real server. See case-files.ts for what a folder holds.
import { testCases } from './cases.ts';

testCases('mariadb');
