/** An attribute as GraphDef JSON has it. Source: tensorflow, attr_value.proto; int64 as text, bytes in base64. */
export type TfAttribute = object

export const tf = {
  ints: (values: readonly number[]): TfAttribute => ({ list: { i: values.map(String) } }),
  int: (value: number): TfAttribute => ({ i: String(value) }),
  float: (value: number): TfAttribute => ({ f: value }),
  flag: (value: boolean): TfAttribute => ({ b: value }),
  text: (value: string): TfAttribute => ({ s: btoa(value) }),
  texts: (values: readonly string[]): TfAttribute => ({ list: { s: values.map((value) => btoa(value)) } }),
  type: (value: TfType): TfAttribute => ({ type: value }),
  /** −1 stands for an open length */
  shape: (dims: readonly number[]): TfAttribute => ({ shape: { dim: dims.map((size) => ({ size: String(size) })) } }),
}

export type TfType = 'DT_FLOAT' | 'DT_INT32' | 'DT_BOOL'

/** A node of a GraphDef. */
export interface TfNode {
  readonly name: string
  readonly op: string
  readonly input: readonly string[]
  readonly attr: Readonly<Record<string, TfAttribute>>
}
