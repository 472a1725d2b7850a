{#- The generic tests this project needs; ten lines each instead of a package from the hub. -#}

{% test unique_together(model, columns) %}
select {{ columns | join(', ') }}
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}


{% test holds(model, rule) %}
select *
from {{ model }}
where not ({{ rule }})
{% endtest %}
