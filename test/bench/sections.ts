import { calibrationSection } from './calibration.ts'
import { evaluationSection } from './evaluation.ts'
import { graphSection } from './graph.ts'
import { hostSection } from './host.ts'
import { runsSection } from './runs.ts'
import type { Section } from './section.ts'
import { sensitivitySection } from './sensitivity.ts'
import { speedSection } from './speed.ts'
import { trainingSection } from './training.ts'

/** Everything `npm run bench` measures, in this order. */
export const SECTIONS: readonly Section[] = [
  speedSection,
  calibrationSection,
  evaluationSection,
  sensitivitySection,
  graphSection,
  hostSection,
  runsSection,
  trainingSection,
]
