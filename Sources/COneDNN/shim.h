// oneDNN 2 (Debian 12, Ubuntu 22.04) and 3 (Debian 13, Ubuntu 24.04) under one face: the only place
// that knows the difference. Version 2 describes an operation in a struct of its own before it
// makes the primitive's description, and passes memory descriptions as open structs; version 3 does
// neither. Here a memory description is an opaque pointer that `saker_md_free` releases, and each
// primitive description is made by one call.
#pragma once
#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>

typedef const struct saker_md_opaque *saker_md;

enum saker_pass { saker_training, saker_inference, saker_backward_data, saker_backward_weights };

static inline int saker_dnnl_major(void) { return DNNL_VERSION_MAJOR; }

#if DNNL_VERSION_MAJOR >= 3
#define SAKER_MD(md) ((const_dnnl_memory_desc_t)(md))
#else
#define SAKER_MD(md) ((const dnnl_memory_desc_t *)(md))
#endif

static inline dnnl_prop_kind_t saker_prop(enum saker_pass pass) {
  switch (pass) {
    case saker_training: return dnnl_forward_training;
    case saker_inference: return dnnl_forward_inference;
    case saker_backward_data: return dnnl_backward_data;
    default: return dnnl_backward_weights;
  }
}

/// The widest instruction set that oneDNN uses on this processor, as people call it.
static inline const char *saker_isa_name(void) {
  switch (dnnl_get_effective_cpu_isa()) {
    case dnnl_cpu_isa_sse41: return "SSE4.1";
    case dnnl_cpu_isa_avx: return "AVX";
    case dnnl_cpu_isa_avx2: return "AVX2";
    case dnnl_cpu_isa_avx2_vnni: return "AVX2, VNNI";
    case dnnl_cpu_isa_avx512_core: return "AVX-512";
    case dnnl_cpu_isa_avx512_core_vnni: return "AVX-512, VNNI";
    case dnnl_cpu_isa_avx512_core_bf16: return "AVX-512, VNNI, BF16";
    case dnnl_cpu_isa_avx512_core_amx: return "AVX-512, AMX";
#if DNNL_VERSION_MAJOR > 3 || (DNNL_VERSION_MAJOR == 3 && DNNL_VERSION_MINOR >= 1)
    case dnnl_cpu_isa_avx2_vnni_2: return "AVX2, VNNI 2";
    case dnnl_cpu_isa_avx512_core_fp16: return "AVX-512, VNNI, BF16, FP16";
    case dnnl_cpu_isa_avx512_core_amx_fp16: return "AVX-512, AMX, FP16";
#endif
    default: return "plain";
  }
}

// MARK: memory descriptions

/// With strides in elements; null strides leave the layout to the primitive.
static inline saker_md saker_md_make(int rank, const int64_t *sizes, dnnl_data_type_t type, const int64_t *strides) {
  dnnl_dims_t dims = {0}, steps = {0};
  for (int i = 0; i < rank; i++) {
    dims[i] = sizes[i];
    if (strides) steps[i] = strides[i];
  }
#if DNNL_VERSION_MAJOR >= 3
  dnnl_memory_desc_t md = NULL;
  dnnl_status_t status = strides ? dnnl_memory_desc_create_with_strides(&md, rank, dims, type, steps)
                                 : dnnl_memory_desc_create_with_tag(&md, rank, dims, type, dnnl_format_tag_any);
  return status == dnnl_success ? (saker_md)md : NULL;
#else
  dnnl_memory_desc_t *md = (dnnl_memory_desc_t *)calloc(1, sizeof *md);
  dnnl_status_t status = strides ? dnnl_memory_desc_init_by_strides(md, rank, dims, type, steps)
                                 : dnnl_memory_desc_init_by_tag(md, rank, dims, type, dnnl_format_tag_any);
  if (status == dnnl_success) return (saker_md)md;
  free(md);
  return NULL;
#endif
}

static inline void saker_md_free(saker_md md) {
#if DNNL_VERSION_MAJOR >= 3
  dnnl_memory_desc_destroy((dnnl_memory_desc_t)md);
#else
  free((void *)md);
#endif
}

static inline size_t saker_md_size(saker_md md) { return md ? dnnl_memory_desc_get_size(SAKER_MD(md)) : 0; }
static inline int saker_md_equal(saker_md a, saker_md b) { return dnnl_memory_desc_equal(SAKER_MD(a), SAKER_MD(b)); }

/// One of a primitive's own descriptions; belongs to the primitive description.
static inline saker_md saker_pd_md(const_dnnl_primitive_desc_t pd, dnnl_query_t what) {
  return (saker_md)dnnl_primitive_desc_query_md(pd, what, 0);
}

static inline dnnl_memory_t saker_memory_make(saker_md md, dnnl_engine_t engine) {
  dnnl_memory_t memory = NULL;
  return dnnl_memory_create(&memory, SAKER_MD(md), engine, DNNL_MEMORY_NONE) == dnnl_success ? memory : NULL;
}

// MARK: primitive descriptions

/// The first `count` of `from`, one for each spatial axis.
static inline void saker_dims(dnnl_dims_t to, const int64_t *from, int count) {
  for (int i = 0; i < count; i++) to[i] = from[i];
}

static inline dnnl_status_t saker_convolution(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, enum saker_pass pass, dnnl_primitive_desc_t hint, saker_md src,
                                              saker_md weights, saker_md bias, saker_md dst, int spatial, const int64_t *strides, const int64_t *dilates,
                                              const int64_t *before, const int64_t *after, const_dnnl_primitive_attr_t attr) {
  dnnl_dims_t s = {0}, d = {0}, b = {0}, a = {0};
  saker_dims(s, strides, spatial);
  saker_dims(d, dilates, spatial);
  saker_dims(b, before, spatial);
  saker_dims(a, after, spatial);
  dnnl_alg_kind_t direct = dnnl_convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  if (pass == saker_backward_data)
    return dnnl_convolution_backward_data_primitive_desc_create(pd, engine, direct, SAKER_MD(src), SAKER_MD(weights), SAKER_MD(dst), s, d, b, a, hint, attr);
  if (pass == saker_backward_weights)
    return dnnl_convolution_backward_weights_primitive_desc_create(pd, engine, direct, SAKER_MD(src), SAKER_MD(weights), SAKER_MD(bias), SAKER_MD(dst), s, d, b, a,
                                                                   hint, attr);
  return dnnl_convolution_forward_primitive_desc_create(pd, engine, saker_prop(pass), direct, SAKER_MD(src), SAKER_MD(weights), SAKER_MD(bias), SAKER_MD(dst), s, d,
                                                        b, a, attr);
#else
  dnnl_convolution_desc_t op;
  dnnl_status_t status;
  if (pass == saker_backward_data)
    status = dnnl_dilated_convolution_backward_data_desc_init(&op, direct, SAKER_MD(src), SAKER_MD(weights), SAKER_MD(dst), s, d, b, a);
  else if (pass == saker_backward_weights)
    status = dnnl_dilated_convolution_backward_weights_desc_init(&op, direct, SAKER_MD(src), SAKER_MD(weights), SAKER_MD(bias), SAKER_MD(dst), s, d, b, a);
  else
    status = dnnl_dilated_convolution_forward_desc_init(&op, saker_prop(pass), direct, SAKER_MD(src), SAKER_MD(weights), SAKER_MD(bias), SAKER_MD(dst), s, d, b, a);
  return status != dnnl_success ? status : dnnl_primitive_desc_create(pd, &op, attr, engine, hint);
#endif
}

static inline dnnl_status_t saker_batch_norm(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, enum saker_pass pass, dnnl_primitive_desc_t hint, saker_md data,
                                             float epsilon, unsigned flags, const_dnnl_primitive_attr_t attr) {
#if DNNL_VERSION_MAJOR >= 3
  if (pass == saker_training || pass == saker_inference)
    return dnnl_batch_normalization_forward_primitive_desc_create(pd, engine, saker_prop(pass), SAKER_MD(data), SAKER_MD(data), epsilon, flags, attr);
  return dnnl_batch_normalization_backward_primitive_desc_create(pd, engine, dnnl_backward, SAKER_MD(data), SAKER_MD(data), SAKER_MD(data), epsilon, flags, hint, attr);
#else
  dnnl_batch_normalization_desc_t op;
  dnnl_status_t status = pass == saker_training || pass == saker_inference
                             ? dnnl_batch_normalization_forward_desc_init(&op, saker_prop(pass), SAKER_MD(data), epsilon, flags)
                             : dnnl_batch_normalization_backward_desc_init(&op, dnnl_backward, SAKER_MD(data), SAKER_MD(data), epsilon, flags);
  return status != dnnl_success ? status : dnnl_primitive_desc_create(pd, &op, attr, engine, hint);
#endif
}

static inline dnnl_status_t saker_pooling(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, enum saker_pass pass, dnnl_primitive_desc_t hint, dnnl_alg_kind_t kind,
                                          saker_md src, saker_md dst, int spatial, const int64_t *strides, const int64_t *kernel, const int64_t *dilates,
                                          const int64_t *before, const int64_t *after, const_dnnl_primitive_attr_t attr) {
  dnnl_dims_t s = {0}, k = {0}, d = {0}, b = {0}, a = {0};
  saker_dims(s, strides, spatial);
  saker_dims(k, kernel, spatial);
  saker_dims(d, dilates, spatial);
  saker_dims(b, before, spatial);
  saker_dims(a, after, spatial);
#if DNNL_VERSION_MAJOR >= 3
  if (pass == saker_training || pass == saker_inference)
    return dnnl_pooling_forward_primitive_desc_create(pd, engine, saker_prop(pass), kind, SAKER_MD(src), SAKER_MD(dst), s, k, d, b, a, attr);
  return dnnl_pooling_backward_primitive_desc_create(pd, engine, kind, SAKER_MD(src), SAKER_MD(dst), s, k, d, b, a, hint, attr);
#else
  dnnl_pooling_v2_desc_t op;
  dnnl_status_t status = pass == saker_training || pass == saker_inference
                             ? dnnl_pooling_v2_forward_desc_init(&op, saker_prop(pass), kind, SAKER_MD(src), SAKER_MD(dst), s, k, d, b, a)
                             : dnnl_pooling_v2_backward_desc_init(&op, kind, SAKER_MD(src), SAKER_MD(dst), s, k, d, b, a);
  return status != dnnl_success ? status : dnnl_primitive_desc_create(pd, &op, attr, engine, hint);
#endif
}

static inline dnnl_status_t saker_eltwise(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, enum saker_pass pass, dnnl_primitive_desc_t hint, dnnl_alg_kind_t kind,
                                          saker_md data, float alpha, float beta, const_dnnl_primitive_attr_t attr) {
#if DNNL_VERSION_MAJOR >= 3
  if (pass == saker_training || pass == saker_inference)
    return dnnl_eltwise_forward_primitive_desc_create(pd, engine, saker_prop(pass), kind, SAKER_MD(data), SAKER_MD(data), alpha, beta, attr);
  return dnnl_eltwise_backward_primitive_desc_create(pd, engine, kind, SAKER_MD(data), SAKER_MD(data), SAKER_MD(data), alpha, beta, hint, attr);
#else
  dnnl_eltwise_desc_t op;
  dnnl_status_t status = pass == saker_training || pass == saker_inference
                             ? dnnl_eltwise_forward_desc_init(&op, saker_prop(pass), kind, SAKER_MD(data), alpha, beta)
                             : dnnl_eltwise_backward_desc_init(&op, kind, SAKER_MD(data), SAKER_MD(data), alpha, beta);
  return status != dnnl_success ? status : dnnl_primitive_desc_create(pd, &op, attr, engine, hint);
#endif
}

static inline dnnl_status_t saker_softmax(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, enum saker_pass pass, dnnl_primitive_desc_t hint, dnnl_alg_kind_t kind,
                                          saker_md data, int axis, const_dnnl_primitive_attr_t attr) {
#if DNNL_VERSION_MAJOR >= 3
  if (pass == saker_training || pass == saker_inference)
    return dnnl_softmax_forward_primitive_desc_create(pd, engine, saker_prop(pass), kind, SAKER_MD(data), SAKER_MD(data), axis, attr);
  return dnnl_softmax_backward_primitive_desc_create(pd, engine, kind, SAKER_MD(data), SAKER_MD(data), SAKER_MD(data), axis, hint, attr);
#else
  dnnl_softmax_v2_desc_t op;
  dnnl_status_t status = pass == saker_training || pass == saker_inference
                             ? dnnl_softmax_v2_forward_desc_init(&op, saker_prop(pass), kind, SAKER_MD(data), SAKER_MD(data), axis)
                             : dnnl_softmax_v2_backward_desc_init(&op, kind, SAKER_MD(data), SAKER_MD(data), SAKER_MD(data), axis);
  return status != dnnl_success ? status : dnnl_primitive_desc_create(pd, &op, attr, engine, hint);
#endif
}

static inline dnnl_status_t saker_matmul(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, saker_md src, saker_md weights, saker_md bias, saker_md dst,
                                         const_dnnl_primitive_attr_t attr) {
#if DNNL_VERSION_MAJOR >= 3
  return dnnl_matmul_primitive_desc_create(pd, engine, SAKER_MD(src), SAKER_MD(weights), SAKER_MD(bias), SAKER_MD(dst), attr);
#else
  dnnl_matmul_desc_t op;
  dnnl_status_t status = dnnl_matmul_desc_init(&op, SAKER_MD(src), SAKER_MD(weights), SAKER_MD(bias), SAKER_MD(dst));
  return status != dnnl_success ? status : dnnl_primitive_desc_create(pd, &op, attr, engine, NULL);
#endif
}

static inline dnnl_status_t saker_reorder(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, saker_md src, saker_md dst, const_dnnl_primitive_attr_t attr) {
  return dnnl_reorder_primitive_desc_create(pd, SAKER_MD(src), engine, SAKER_MD(dst), engine, attr);
}

/// Post-operation: what stands in the result's place is added to it.
static inline dnnl_status_t saker_append_sum(dnnl_post_ops_t ops) {
#if DNNL_VERSION_MAJOR >= 3
  return dnnl_post_ops_append_sum(ops, 1.0f, 0, dnnl_data_type_undef);
#else
  return dnnl_post_ops_append_sum(ops, 1.0f);
#endif
}

/// Post-operation: an activation of the result while it is in registers.
static inline dnnl_status_t saker_append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float alpha, float beta) {
#if DNNL_VERSION_MAJOR >= 3
  return dnnl_post_ops_append_eltwise(ops, kind, alpha, beta);
#else
  return dnnl_post_ops_append_eltwise(ops, 1.0f, kind, alpha, beta);
#endif
}
