/** How weights move against their gradients. */
export type OptimizerKind = 'sgd' | 'adam'

/** How the learning rate runs from its start to the end of training. */
export type ScheduleKind = 'constant' | 'cosine' | 'step' | 'linear'

/** What is done to a picture before it is learned from. */
export interface Augmentation {
  /** mirrored left to right, every second picture */
  readonly flip: boolean
  /** moved by up to so many pixels each way; what comes in is 0 */
  readonly shift: number
  /** cut out and enlarged to its own size again: the least share of its area that is kept, above 0 and below 1; absent: uncut */
  readonly crop?: number | undefined
}

/** Everything that decides how a training goes, beside model and data. */
export interface TrainOptions {
  readonly epochs: number
  readonly batch: number
  readonly optimizer: OptimizerKind
  readonly learningRate: number
  readonly schedule: ScheduleKind
  /** epochs during which the rate rises from 0 */
  readonly warmup: number
  /** of SGD: how much of the last step's direction is kept, 0 to 1 */
  readonly momentum: number
  readonly weightDecay: number
  /** of the class scores' targets, 0 to 1 */
  readonly labelSmoothing: number
  readonly seed: number
  /** epochs without a better validation after which it stops; null: never */
  readonly patience: number | null
  readonly augment: Augmentation
}

/** What nobody named otherwise: the settings most image classifiers of this size are published with. */
export const DEFAULT_OPTIONS: TrainOptions = {
  epochs: 10,
  batch: 64,
  optimizer: 'sgd',
  learningRate: 0.05,
  schedule: 'cosine',
  warmup: 0,
  momentum: 0.9,
  weightDecay: 5e-4,
  labelSmoothing: 0,
  seed: 0,
  patience: null,
  augment: { flip: false, shift: 0 },
}
