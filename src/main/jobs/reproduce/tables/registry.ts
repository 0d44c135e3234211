import type { Table } from '../port.ts'
import { lenetBits } from './lenet-bits.ts'
import { lenetStaticDynamic } from './lenet-static-dynamic.ts'

/** Every table that can be reproduced, in the order they are named. */
export const TABLES: readonly Table[] = [lenetBits, lenetStaticDynamic]
