import type { Table } from '../port.ts'
import { fashionQat } from './fashion-qat.ts'
import { lenetBits } from './lenet-bits.ts'
import { lenetStaticDynamic } from './lenet-static-dynamic.ts'
import { ptqVsQatBits } from './ptq-vs-qat-bits.ts'
import { qatAblations } from './qat-ablations.ts'
import { resnet18Imagenette } from './resnet18-imagenette.ts'

/** Every table that can be reproduced, in the order they are named. */
export const TABLES: readonly Table[] = [
  lenetBits,
  lenetStaticDynamic,
  resnet18Imagenette,
  fashionQat,
  ptqVsQatBits,
  qatAblations,
]
