/** A frozen teacher inside the student's graph, so that one step computes both. */
import { InputError } from '../../contracts/errors.ts';
import { mergeGraphs } from '../../numerics/onnx/edit.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';

/** Values of the teacher have names `teacher/…`, as logitDistillation and other losses expect. */
export const TEACHER_PREFIX = 'teacher/';

/**
 * The student with the teacher in the same graph; inputs of the same name are shared. The teacher's weights are not
 * parameters.
 */
export function mergeTeacher(student: OnnxModel, teacher: OnnxModel): OnnxModel {
  for (const [domain, version] of teacher.opsets) {
    const present = student.opsets.get(domain);
    if (present !== undefined && present !== version) {
      throw new InputError(
        `distillation: the student imports operator set "${domain || 'ai.onnx'}" ${present}, the teacher ${version}; both run in one graph`,
      );
    }
  }
  const own = new Set(student.graph.inputs.map(({ name }) => name));
  const sharedInputs = teacher.graph.inputs.map(({ name }) => name).filter((name) => own.has(name));
  const merged = mergeGraphs(student.graph, teacher.graph, { prefix: TEACHER_PREFIX, sharedInputs });
  return {
    ...student,
    opsets: new Map([...student.opsets, ...teacher.opsets]),
    functions: [...student.functions, ...teacher.functions.filter((item) => !student.functions.includes(item))],
    graph: { ...merged, outputs: student.graph.outputs },
  };
}
