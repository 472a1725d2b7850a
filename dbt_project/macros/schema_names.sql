{#- A model's schema is the one that it names, or the profile's: `staging`, not `analytics_staging`. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
{{ custom_schema_name or target.schema }}
{%- endmacro %}
