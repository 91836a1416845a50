/**
 * Raised by every change that makes a derived figure come out otherwise from the same rows, so that figures that stores
 * hold already are computed again. test/board/derive/derivation-revision.test.ts says when that is due.
 */
export const DERIVATION_REVISION = 8;
