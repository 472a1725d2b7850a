{#- A model's schema is the configured one as it is (`staging`, not `analytics_staging`), or else the profile's. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
{{ custom_schema_name or target.schema }}
{%- endmacro %}
