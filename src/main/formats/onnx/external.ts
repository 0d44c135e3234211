/** Where a tensor's bytes lie outside the model file. Source: onnx.proto, TensorProto.external_data. */
export interface ExternalReference {
  /** as written in the model: a POSIX path relative to the model's folder, unchecked */
  readonly location: string
  /** byte offset in that file */
  readonly offset: number
  /** bytes, null: to the end of the file */
  readonly length: number | null
  /** SHA-1 of the whole file in hex, where the model states one */
  readonly checksum: string | null
  /** name of the tensor, for messages */
  readonly tensor: string
}

/**
 * Gives the bytes of a reference; exactly `reference.length` of them where it is not null. May return a view.
 * @throws Fault format.external* when the file is missing, too short or outside the model's folder
 */
export type ExternalReader = (reference: ExternalReference) => Uint8Array
