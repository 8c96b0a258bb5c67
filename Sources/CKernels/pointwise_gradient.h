// How the gradient of a 1x1 convolution's weights is walked, whatever multiplies. Included by each
// form after a gradient_plan, its sizes in floats, and what a block needs: load_block(),
// multiply_block() of units_of(), write_sums() of an output channel; also BEGIN and END, what a
// thread does before and after products.

struct gradient_job {
  shape shape;
  struct gradient_plan plan;
  source x, dy;
  float *dw, *db;
  float *sums, *rows, *bias;
  int next;
};

static int gradient_blocks(shape s, struct gradient_plan plan) { return (s.pixels + plan.block - 1) / plan.block; }
static void load_block(const struct gradient_job *job, int index, float *u);
/// The sums over block `index`, whose rows are `u`, of units [from, end); added to what
/// is there if `add`.
static void multiply_block(const struct gradient_job *job, int index, const float *u, float *sums, int add, int from, int end);
/// The sum of all parts for output channel `k`, to `dw`.
static void write_sums(const struct gradient_job *job, int k);

static size_t gradient_rows(shape s, struct gradient_plan plan, int threads) {
  return block_size(s, plan.block) * (plan.parts ? threads : plan.stage);
}

static size_t gradient_workspace(shape s, int threads) {
  struct gradient_plan plan = gradient_plan_of(s);
  return gradient_sums(s, plan) + gradient_rows(s, plan, threads) + (size_t)gradient_blocks(s, plan) * s.out;
}

static void gradient_parts(struct gradient_job *job, int id) {
  shape s = job->shape;
  struct gradient_plan plan = job->plan;
  int blocks = gradient_blocks(s, plan);
  float *u = job->rows + id * block_size(s, plan.block);
  for (int part; (part = __atomic_fetch_add(&job->next, 1, __ATOMIC_RELAXED)) < plan.parts;) {
    int from = (int)((long)blocks * part / plan.parts), end = (int)((long)blocks * (part + 1) / plan.parts);
    for (int b = from; b < end; b++) {
      load_block(job, b, u);
      multiply_block(job, b, u, job->sums + part * sums_size(s), b > from, 0, units_of(s));
    }
  }
}

static void gradient_stages(struct gradient_job *job, int id, int of) {
  shape s = job->shape;
  struct gradient_plan plan = job->plan;
  int blocks = gradient_blocks(s, plan), units = units_of(s);
  for (int start = 0; start < blocks; start += plan.stage) {
    int count = least(plan.stage, blocks - start);
    for (int b = count * id / of; b < count * (id + 1) / of; b++) load_block(job, start + b, job->rows + b * block_size(s, plan.block));
    saker_barrier(of);
    for (int b = 0; b < count; b++)
      multiply_block(job, start + b, job->rows + b * block_size(s, plan.block), job->sums, start + b > 0, units * id / of, units * (id + 1) / of);
    saker_barrier(of);
  }
}

static void gradient_worker(void *argument, int id, int of) {
  struct gradient_job *job = argument;
  shape s = job->shape;
  BEGIN();
  if (job->plan.parts) {
    gradient_parts(job, id);
    saker_barrier(of);
  } else {
    gradient_stages(job, id, of);
  }
  END();
  int from = (int)((long)s.out * id / of), end = (int)((long)s.out * (id + 1) / of), blocks = gradient_blocks(s, job->plan);
  for (int k = from; k < end && job->sums != job->dw; k++) write_sums(job, k);
  for (int k = from; k < end && job->db; k++) {
    double sum = 0;
    for (int b = 0; b < blocks; b++) sum += job->bias[(size_t)b * s.out + k];
    job->db[k] = (float)sum;
  }
}

static void gradient(shape s, source x, source dy, float *dw, float *db, float *workspace, int threads) {
  struct gradient_plan plan = gradient_plan_of(s);
  float *rows = workspace + gradient_sums(s, plan), *bias = rows + gradient_rows(s, plan, threads);
  struct gradient_job job = {s, plan, x, dy, dw, db, gradient_sums(s, plan) ? workspace : dw, rows, bias, 0};
  saker_parallel(gradient_worker, &job, threads);
}
