# One image, two commands: `python -m api` and `python worker.py`; `python -m storage.migrations` goes before them.
FROM python:3.11-slim AS installed
WORKDIR /service
COPY . .
RUN deploy/install /installed

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home invite
WORKDIR /service
COPY --from=installed /installed /installed
COPY --from=installed /service /service
ENV PATH=/installed/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001
EXPOSE 8000 9100 9101
CMD ["python", "-m", "api"]
